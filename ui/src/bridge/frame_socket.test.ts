import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FrameSocket } from "./frame_socket";
import type { FrameNews } from "./scene";

/** Stands where the browser's socket stands; the test plays the other end. */
class OtherEnd {
  static opened: OtherEnd[] = [];
  static readonly OPEN = 1;
  readyState = 0;
  binaryType = "";
  sent: string[] = [];
  onopen: () => void = () => undefined;
  onmessage: (event: { data: unknown }) => void = () => undefined;
  onclose: () => void = () => undefined;

  constructor(readonly url: string) {
    OtherEnd.opened.push(this);
  }

  accept(): void {
    this.readyState = OtherEnd.OPEN;
    this.onopen();
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.readyState = 3;
    this.onclose();
  }
}

beforeEach(() => {
  OtherEnd.opened = [];
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", OtherEnd);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const PLACE = { key: "a/camera", x: 0, y: 0, width: 1, height: 1, radius: 0, left: 0, top: 0, right: 1, bottom: 1, mirrored: false, frozen: false };

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe("the frame socket", () => {
  it("says what is visible as soon as it is open, and each change once", async () => {
    const socket = new FrameSocket(async () => "ws://127.0.0.1:4000/secret", () => undefined, () => undefined);
    socket.show([{ key: "a/camera", width: 10, height: 5 }]);
    await settle();
    const [end] = OtherEnd.opened;
    end?.accept();
    socket.show([{ key: "a/camera", width: 10, height: 5 }]);
    socket.show([]);
    expect(end?.url).toBe("ws://127.0.0.1:4000/secret");
    expect(end?.sent).toEqual(['{"tiles":[{"key":"a/camera","width":10,"height":5}]}', '{"tiles":[]}']);
  });

  it("hands on pictures, and what is said of them", async () => {
    const heard: ArrayBuffer[] = [];
    const news: FrameNews[] = [];
    new FrameSocket(async () => "ws://x/", (message) => heard.push(message), (said) => news.push(said));
    await settle();
    const [end] = OtherEnd.opened;
    end?.accept();
    end?.onmessage({ data: new ArrayBuffer(4) });
    end?.onmessage({ data: '{"sizes":[{"key":"a/camera","width":4,"height":2}]}' });
    expect(heard).toHaveLength(1);
    expect(news).toEqual([{ sizes: [{ key: "a/camera", width: 4, height: 2 }] }]);
  });

  it("opens again when it breaks, and says again what is visible", async () => {
    const socket = new FrameSocket(async () => "ws://x/", () => undefined, () => undefined);
    await settle();
    OtherEnd.opened[0]?.accept();
    socket.show([{ key: "a/camera", width: 1, height: 1 }]);
    socket.scene([]);
    socket.scene([PLACE]);
    OtherEnd.opened[0]?.close();
    await vi.advanceTimersByTimeAsync(600);
    expect(OtherEnd.opened).toHaveLength(2);
    OtherEnd.opened[1]?.accept();
    expect(OtherEnd.opened[1]?.sent).toEqual(['{"tiles":[{"key":"a/camera","width":1,"height":1}]}', JSON.stringify({ scene: [PLACE] })]);
    expect(OtherEnd.opened[0]?.sent).toHaveLength(3);
  });

  it("asks for the address until there is one", async () => {
    let asked = 0;
    new FrameSocket(async () => {
      asked += 1;
      if (asked < 3) throw new Error("not yet");
      return "ws://x/";
    }, () => undefined, () => undefined);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(OtherEnd.opened).toHaveLength(1);
  });

  it("stays closed when it was closed", async () => {
    const socket = new FrameSocket(async () => "ws://x/", () => undefined, () => undefined);
    await settle();
    OtherEnd.opened[0]?.accept();
    socket.close();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(OtherEnd.opened).toHaveLength(1);
  });
});
