import { afterEach, describe, expect, it, vi } from "vitest";
import { FrameParser } from "../../../call/frame_format";
import { frameMessage, Pictures } from "./pictures";

type Layout = { offset: number; stride: number }[];

/** A frame of a browser, 3 x 2, whose planes hold 1 to 6, 11 and 12, 21 and 22. */
function frameOf(format: string, colorSpace: Partial<VideoColorSpace> = {}): VideoFrame {
  const planes = format === "NV12" ? [[1, 2, 3, 4, 5, 6], [11, 21, 12, 22]] : [[1, 2, 3, 4, 5, 6], [11, 12], [21, 22]];
  const copyTo = async (destination: ArrayBuffer | Uint8Array, { layout }: { layout: Layout }): Promise<void> => {
    const bytes = destination instanceof Uint8Array ? destination : new Uint8Array(destination);
    planes.forEach((plane, index) => bytes.set(plane, layout[index]?.offset));
  };
  return { format, visibleRect: { width: 3, height: 2 }, colorSpace, copyTo } as unknown as VideoFrame;
}

describe("a frame of a browser", () => {
  it.each(["I420", "NV12"])("becomes a message the window reads: %s", async (format) => {
    const message = await frameMessage("preview/camera", frameOf(format, { fullRange: true, matrix: "smpte170m" }), 7);
    const frame = message === null ? null : new FrameParser().parse(message);
    expect(frame).toMatchObject({ key: "preview/camera", width: 3, height: 2, presentedAt: 7, fullRange: true, bt601: true });
    expect([...(frame?.bytes.subarray(frame.yOffset) ?? [])]).toEqual([1, 2, 3, 4, 5, 6, 11, 12, 21, 22]);
  });

  it("is left out when its pixels are laid out otherwise", async () => {
    expect(await frameMessage("preview/camera", frameOf("RGBA"), 7)).toBeNull();
  });
});

describe("a picture that is shown", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("goes on after a frame that cannot be read", async () => {
    const closed: string[] = [];
    const named = (name: string, frame: VideoFrame): VideoFrame => Object.assign(frame, { close: () => closed.push(name) });
    const broken = Object.assign(frameOf("I420"), { copyTo: () => Promise.reject(new Error("the memory was taken away")) });
    const frames = [named("broken", broken), named("whole", frameOf("I420"))];
    vi.stubGlobal("MediaStreamTrackProcessor", class {
      readonly readable = new ReadableStream({ pull: (stream) => { const next = frames.shift(); if (next === undefined) stream.close(); else stream.enqueue(next); } });
    });
    const shown: ArrayBuffer[] = [];
    const pictures = new Pictures();
    pictures.open((message) => shown.push(message)).show([{ key: "a/camera", width: 3, height: 2 }]);
    pictures.put("a/camera", { readyState: "live" } as MediaStreamTrack);
    await vi.waitFor(() => expect(closed).toEqual(["broken", "whole"]));
    expect(shown).toHaveLength(1);
  });
});
