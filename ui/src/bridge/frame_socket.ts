/** The loopback WebSocket that carries pictures. Opens itself again when it breaks, and repeats what is visible. */
import type { FrameChannel, VisibleTile } from "./bridge";

const RETRY_MS = 500;

export class FrameSocket implements FrameChannel {
  private socket: WebSocket | null = null;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private closed = false;
  private visible = '{"tiles":[]}';

  /** `address` is asked anew for every attempt, because its token may be good for one connection only. */
  constructor(
    private readonly address: () => Promise<string>,
    private readonly onFrame: (message: ArrayBuffer) => void,
  ) {
    void this.open();
  }

  show(tiles: readonly VisibleTile[]): void {
    const visible = JSON.stringify({ tiles });
    if (visible === this.visible) return;
    this.visible = visible;
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(visible);
  }

  close(): void {
    this.closed = true;
    if (this.retry !== null) clearTimeout(this.retry);
    this.socket?.close();
  }

  private async open(): Promise<void> {
    try {
      const address = await this.address();
      if (this.closed) return;
      const socket = new WebSocket(address);
      socket.binaryType = "arraybuffer";
      socket.onopen = () => socket.send(this.visible);
      socket.onmessage = ({ data }) => {
        if (data instanceof ArrayBuffer && !this.closed) this.onFrame(data);
      };
      socket.onclose = () => this.later();
      this.socket = socket;
    } catch {
      this.later();
    }
  }

  private later(): void {
    this.socket = null;
    if (!this.closed) this.retry = setTimeout(() => void this.open(), RETRY_MS);
  }
}
