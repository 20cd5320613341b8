/**
 * One picture as it comes from the native side: one binary WebSocket message, little-endian.
 *
 * ```text
 * offset  size  field
 *      0     4  magic, the bytes "CFV1"
 *      4     1  kind: 0 = I420
 *      5     1  flags: bit 0 = full range (else limited), bit 1 = BT.601 (else BT.709)
 *      6     2  key length, bytes
 *      8     4  width, pixels
 *     12     4  height, pixels
 *     16     8  presentation time, f64, milliseconds since 1970 UTC
 *     24     k  key, UTF-8: "<participant id>/<source>", or "preview/camera"; zeros up to a multiple of 4
 *  24+k'     …  planes Y (w*h), U and V (ceil(w/2)*ceil(h/2) each), rows without padding
 * ```
 *
 * The window sends JSON text on the same socket: `{"tiles":[{"key","width","height"}]}`, the pictures shown and how
 * large, in device pixels. The native side scales down to that size (never up) and sends only those pictures; it
 * drops pictures the window does not take in time, newest kept. Where it draws pictures itself it sends none, and both sides
 * say what `bridge/scene.ts` has.
 */

export const FRAME_MAGIC = 0x31564643;
export const FRAME_HEADER_BYTES = 24;
const FLAG_FULL_RANGE = 1;
const FLAG_BT601 = 2;
/** Larger pictures are refused: 8K is 7680 x 4320. */
const LARGEST_SIDE = 8192;

/** A parsed message. Offsets are into the message; the picture's bytes are not copied. */
export interface Frame {
  key: string;
  width: number;
  height: number;
  fullRange: boolean;
  bt601: boolean;
  /** Milliseconds since 1970 UTC. */
  presentedAt: number;
  yOffset: number;
  uOffset: number;
  vOffset: number;
  bytes: Uint8Array;
}

/** Keys repeat with every frame: decoding each once keeps the way of a frame free of strings. */
export class FrameParser {
  private readonly decoder = new TextDecoder("utf-8", { fatal: true });
  private readonly keys = new Map<number, { bytes: Uint8Array; key: string }[]>();

  /** The picture in the message, or `null` when the message is not one (it is counted by the caller). */
  parse(message: ArrayBuffer): Frame | null {
    if (message.byteLength < FRAME_HEADER_BYTES) return null;
    const view = new DataView(message);
    if (view.getUint32(0, true) !== FRAME_MAGIC || view.getUint8(4) !== 0) return null;
    const flags = view.getUint8(5);
    const keyLength = view.getUint16(6, true);
    const width = view.getUint32(8, true);
    const height = view.getUint32(12, true);
    if (width === 0 || height === 0 || width > LARGEST_SIDE || height > LARGEST_SIDE || keyLength === 0) return null;
    const yOffset = FRAME_HEADER_BYTES + ((keyLength + 3) & ~3);
    const chromaBytes = ((width + 1) >> 1) * ((height + 1) >> 1);
    const uOffset = yOffset + width * height;
    const vOffset = uOffset + chromaBytes;
    if (message.byteLength !== vOffset + chromaBytes) return null;
    const bytes = new Uint8Array(message);
    const key = this.keyAt(bytes, keyLength);
    if (key === null) return null;
    return {
      key,
      width,
      height,
      fullRange: (flags & FLAG_FULL_RANGE) !== 0,
      bt601: (flags & FLAG_BT601) !== 0,
      presentedAt: view.getFloat64(16, true),
      yOffset,
      uOffset,
      vOffset,
      bytes,
    };
  }

  private keyAt(bytes: Uint8Array, length: number): string | null {
    const known = this.keys.get(length)?.find((entry) => sameBytes(entry.bytes, bytes));
    if (known !== undefined) return known.key;
    const slice = bytes.slice(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + length);
    try {
      const key = this.decoder.decode(slice);
      if (this.keys.size > 64 || (this.keys.get(length)?.length ?? 0) > 256) this.keys.clear();
      this.keys.set(length, [...(this.keys.get(length) ?? []), { bytes: slice, key }]);
      return key;
    } catch {
      return null;
    }
  }
}

function sameBytes(key: Uint8Array, message: Uint8Array): boolean {
  for (let index = key.length - 1; index >= 0; index -= 1) {
    if (key[index] !== message[FRAME_HEADER_BYTES + index]) return false;
  }
  return true;
}

/** Builds a message; used by the fixture and the tests, and as the reference for the native side. */
export function buildFrame(
  key: string,
  width: number,
  height: number,
  presentedAt: number,
  fill: (planes: { y: Uint8Array; u: Uint8Array; v: Uint8Array }) => void,
): ArrayBuffer {
  const keyBytes = new TextEncoder().encode(key);
  const yOffset = FRAME_HEADER_BYTES + ((keyBytes.length + 3) & ~3);
  const chromaBytes = ((width + 1) >> 1) * ((height + 1) >> 1);
  const message = new ArrayBuffer(yOffset + width * height + 2 * chromaBytes);
  const view = new DataView(message);
  view.setUint32(0, FRAME_MAGIC, true);
  view.setUint16(6, keyBytes.length, true);
  view.setUint32(8, width, true);
  view.setUint32(12, height, true);
  view.setFloat64(16, presentedAt, true);
  new Uint8Array(message, FRAME_HEADER_BYTES, keyBytes.length).set(keyBytes);
  fill({
    y: new Uint8Array(message, yOffset, width * height),
    u: new Uint8Array(message, yOffset + width * height, chromaBytes),
    v: new Uint8Array(message, yOffset + width * height + chromaBytes, chromaBytes),
  });
  return message;
}
