/** The loopback WebSocket that carries pictures, or what is said of them. Opens itself again when it breaks, and repeats what is visible. */
import type { FrameChannel, VisibleTile } from "./bridge";
import type { FrameNews, ScenePicture } from "./scene";

const RETRY_MS = 500;
const NO_SCENE = '{"scene":[]}';

export class FrameSocket implements FrameChannel {
  private socket: WebSocket | null = null;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private closed = false;
  private visible = '{"tiles":[]}';
  private pictures = NO_SCENE;

  /** `address` is asked anew for every attempt, because its token may be good for one connection only. */
  constructor(
    private readonly address: () => Promise<string>,
    private readonly onFrame: (message: ArrayBuffer) => void,
    private readonly onNews: (news: FrameNews) => void,
  ) {
    void this.open();
  }

  show(tiles: readonly VisibleTile[]): void {
    const visible = JSON.stringify({ tiles });
    if (visible === this.visible) return;
    this.visible = visible;
    this.send(visible);
  }

  scene(pictures: readonly ScenePicture[]): void {
    const scene = JSON.stringify({ scene: pictures });
    if (scene === this.pictures) return;
    this.pictures = scene;
    this.send(scene);
  }

  close(): void {
    this.closed = true;
    if (this.retry !== null) clearTimeout(this.retry);
    this.socket?.close();
  }

  private send(text: string): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(text);
  }

  private async open(): Promise<void> {
    try {
      const address = await this.address();
      if (this.closed) return;
      const socket = new WebSocket(address);
      socket.binaryType = "arraybuffer";
      socket.onopen = () => {
        socket.send(this.visible);
        if (this.pictures !== NO_SCENE) socket.send(this.pictures);
      };
      socket.onmessage = ({ data }) => {
        if (this.closed) return;
        if (data instanceof ArrayBuffer) this.onFrame(data);
        else this.onNews(JSON.parse(data as string) as FrameNews);
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
