/** Moving pictures for the developer page: a head and shoulders in front of a soft room, drawn and turned into I420. */
import { buildFrame } from "../call/frame_format";
import { hueOf } from "../design/person";

const canvas = new OffscreenCanvas(16, 16);

export function drawnPicture(key: string, width: number, height: number, at: number): ArrayBuffer | null {
  const wide = Math.max(2, Math.min(480, width) & ~1);
  const high = Math.max(2, Math.round((wide * 9) / 16) & ~1);
  if (height < 2) return null;
  canvas.width = wide;
  canvas.height = high;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) return null;
  if (key.endsWith("/screen")) drawScreen(context, wide, high, at);
  else drawPerson(context, wide, high, hueOf(key), at);
  const { data } = context.getImageData(0, 0, wide, high);
  return buildFrame(key, wide, high, at, (planes) => toI420(data, wide, high, planes));
}

function drawPerson(context: OffscreenCanvasRenderingContext2D, width: number, height: number, hue: number, at: number): void {
  const room = context.createLinearGradient(0, 0, width, height);
  room.addColorStop(0, `hsl(${hue} 18% 42%)`);
  room.addColorStop(1, `hsl(${hue + 30} 16% 28%)`);
  context.fillStyle = room;
  context.fillRect(0, 0, width, height);
  context.fillStyle = `hsl(${hue + 60} 40% 70% / .5)`;
  context.beginPath();
  context.arc(width * 0.16, height * 0.3, height * 0.22, 0, 7);
  context.fill();
  const sway = Math.sin(at / 900 + hue) * width * 0.01;
  context.fillStyle = `hsl(${hue + 180} 30% 32%)`;
  context.beginPath();
  context.ellipse(width / 2 + sway, height * 1.08, width * 0.3, height * 0.38, 0, 0, 7);
  context.fill();
  context.fillStyle = `hsl(${20 + (hue % 14)} 45% ${38 + (hue % 40)}%)`;
  context.beginPath();
  context.ellipse(width / 2 + sway, height * 0.48, height * 0.19, height * 0.25, 0, 0, 7);
  context.fill();
}

function drawScreen(context: OffscreenCanvasRenderingContext2D, width: number, height: number, at: number): void {
  context.fillStyle = "#f6f5f1";
  context.fillRect(0, 0, width, height);
  context.fillStyle = "#2a8a74";
  for (let bar = 0; bar < 12; bar += 1) {
    const tall = height * (0.2 + 0.25 * (1 + Math.sin(at / 1500 + bar)));
    context.fillRect(width * (0.08 + bar * 0.072), height * 0.86 - tall, width * 0.05, tall);
  }
  context.fillStyle = "#22302f";
  context.font = `600 ${Math.round(height * 0.06)}px sans-serif`;
  context.fillText("Reliability review, third quarter", width * 0.08, height * 0.12);
}

function toI420(rgba: Uint8ClampedArray, width: number, height: number, planes: { y: Uint8Array; u: Uint8Array; v: Uint8Array }): void {
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const at = (row * width + column) * 4;
      const [red = 0, green = 0, blue = 0] = [rgba[at], rgba[at + 1], rgba[at + 2]];
      planes.y[row * width + column] = 16 + (219 / 255) * (0.2126 * red + 0.7152 * green + 0.0722 * blue);
      if ((row | column) & 1) continue;
      const chroma = (row >> 1) * (width >> 1) + (column >> 1);
      planes.u[chroma] = 128 + (224 / 255) * (-0.1146 * red - 0.3854 * green + 0.5 * blue);
      planes.v[chroma] = 128 + (224 / 255) * (0.5 * red - 0.4542 * green - 0.0458 * blue);
    }
  }
}
