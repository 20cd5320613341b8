import { describe, expect, it } from "vitest";
import { buildFrame, FRAME_HEADER_BYTES, FrameParser } from "./frame_format";

const KEY = "018f0000-0000-7000-8000-000000000001/camera";
const frame = (key = KEY, width = 6, height = 4): ArrayBuffer =>
  buildFrame(key, width, height, 1_700_000_000_123.5, ({ y, u, v }) => {
    y.fill(1);
    u.fill(2);
    v.fill(3);
  });

describe("a picture message", () => {
  it("is read back as it was built", () => {
    const parsed = new FrameParser().parse(frame());
    expect(parsed).toMatchObject({ key: KEY, width: 6, height: 4, fullRange: false, bt601: false, presentedAt: 1_700_000_000_123.5 });
    if (parsed === null) throw new Error("a picture expected");
    expect([...parsed.bytes.subarray(parsed.yOffset, parsed.uOffset)]).toEqual(Array(24).fill(1));
    expect([...parsed.bytes.subarray(parsed.uOffset, parsed.vOffset)]).toEqual(Array(6).fill(2));
    expect([...parsed.bytes.subarray(parsed.vOffset)]).toEqual(Array(6).fill(3));
  });

  it("has the layout the native side writes, byte for byte", () => {
    const bytes = new Uint8Array(buildFrame("a/b", 2, 2, 1, ({ y, u, v }) => { y.set([10, 11, 12, 13]); u[0] = 20; v[0] = 30; }));
    expect([...bytes]).toEqual([
      0x43, 0x46, 0x56, 0x31, // CFV1
      0, 0, 3, 0, // I420, no flags, key of 3 bytes
      2, 0, 0, 0, 2, 0, 0, 0, // 2 x 2
      0, 0, 0, 0, 0, 0, 0xf0, 0x3f, // 1.0
      0x61, 0x2f, 0x62, 0, // "a/b" and one byte to the next multiple of 4
      10, 11, 12, 13, 20, 30,
    ]);
  });

  it("takes odd sizes, whose colour planes are rounded up", () => {
    const parsed = new FrameParser().parse(frame(KEY, 5, 3));
    expect(parsed).toMatchObject({ width: 5, height: 3 });
    expect((parsed?.vOffset ?? 0) - (parsed?.uOffset ?? 0)).toBe(6);
  });

  it("tells the colour space by its flags", () => {
    const message = frame();
    new DataView(message).setUint8(5, 3);
    expect(new FrameParser().parse(message)).toMatchObject({ fullRange: true, bt601: true });
  });

  it("is refused when it is short, long, of another kind or of an absurd size", () => {
    const parser = new FrameParser();
    const good = frame();
    expect(parser.parse(new ArrayBuffer(0))).toBeNull();
    for (let length = 0; length < good.byteLength; length += 1) expect(parser.parse(good.slice(0, length))).toBeNull();
    const longer = new Uint8Array(good.byteLength + 1);
    longer.set(new Uint8Array(good));
    expect(parser.parse(longer.buffer)).toBeNull();
    const changed = (at: number, value: number): ArrayBuffer => {
      const copy = good.slice(0);
      new DataView(copy).setUint8(at, value);
      return copy;
    };
    expect(parser.parse(changed(0, 0))).toBeNull();
    expect(parser.parse(changed(4, 9))).toBeNull();
    expect(parser.parse(changed(6, 0))).toBeNull();
    expect(parser.parse(changed(11, 0xff))).toBeNull();
    expect(parser.parse(changed(FRAME_HEADER_BYTES, 0xff))).toBeNull();
  });

  it("gives the same text for the same key, and another for another", () => {
    const parser = new FrameParser();
    const first = parser.parse(frame("one/camera"))?.key;
    expect(parser.parse(frame("one/camera"))?.key).toBe(first);
    expect(parser.parse(frame("two/camera"))?.key).toBe("two/camera");
    expect(parser.parse(frame("Zoë/camera"))?.key).toBe("Zoë/camera");
  });

  it("survives random bytes", () => {
    const parser = new FrameParser();
    let seed = 7;
    for (let round = 0; round < 2000; round += 1) {
      const bytes = new Uint8Array(round % 96);
      for (let index = 0; index < bytes.length; index += 1) {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        bytes[index] = seed >>> 24;
      }
      if (round % 2 === 0 && bytes.length >= 5) bytes.set([0x43, 0x46, 0x56, 0x31, 0]);
      expect(() => parser.parse(bytes.buffer)).not.toThrow();
    }
  });
});
