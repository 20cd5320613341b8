/** Moving pictures for the developer page: a head and shoulders in front of a soft room, drawn and turned into I420. */
import { PREVIEW_TILE } from "../bridge/commands";
import { FIXTURE_ME } from "../bridge/fixture";
import { buildFrame } from "../call/frame_format";
import { hueOf } from "../design/person";

const canvas = new OffscreenCanvas(16, 16);

export function drawnPicture(key: string, width: number, height: number, at: number): ArrayBuffer | null {
  const screen = key.endsWith("/screen");
  const wide = Math.max(2, Math.min(screen ? 960 : 480, width) & ~1);
  const high = Math.max(2, Math.round((wide * 9) / 16) & ~1);
  if (height < 2) return null;
  canvas.width = wide;
  canvas.height = high;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) return null;
  if (screen) drawScreen(context, wide, high, at);
  else drawPerson(context, wide, high, hueOf(key === PREVIEW_TILE ? `${FIXTURE_ME}/camera` : key), at);
  const { data } = context.getImageData(0, 0, wide, high);
  return buildFrame(key, wide, high, at, (planes) => toI420(data, wide, high, planes));
}

/** Of the made-up people; chosen by their hue. */
const SKIN = ["#f0c8a6", "#dca47c", "#b97c52", "#8c5a3c", "#6b4530"];
const HAIR = ["#2a211c", "#5a3b26", "#8a5a33", "#c9a063", "#3a3a42", "#1d1a1f"];

function drawPerson(context: OffscreenCanvasRenderingContext2D, width: number, height: number, hue: number, at: number): void {
  const pick = (list: readonly string[], salt: number): string => list[(hue * 7 + salt) % list.length] ?? "#808080";
  const oval = (x: number, y: number, wide: number, high: number): void => {
    context.beginPath();
    context.ellipse(x, y, wide, high, 0, 0, 7);
    context.fill();
  };
  const wall = (hue * 13) % 360;
  const room = context.createLinearGradient(0, 0, width, height);
  room.addColorStop(0, `hsl(${wall} 16% 48%)`);
  room.addColorStop(1, `hsl(${wall + 30} 16% 27%)`);
  context.fillStyle = room;
  context.fillRect(0, 0, width, height);
  drawFurniture(context, width, height, hue);
  const x = width / 2 + Math.sin(at / 900 + hue) * width * 0.01;
  const hair = pick(HAIR, 3);
  const long = hue % 2 === 0;
  context.fillStyle = hair;
  if (long) oval(x, height * 0.56, height * 0.27, height * 0.36);
  context.fillStyle = `hsl(${wall + 180} 26% 36%)`;
  oval(x, height * 1.12, width * 0.27, height * 0.36);
  context.fillStyle = pick(SKIN, 1);
  context.fillRect(x - height * 0.075, height * 0.62, height * 0.15, height * 0.16);
  oval(x, height * 0.78, height * 0.075, height * 0.05);
  oval(x, height * 0.48, height * 0.18, height * 0.235);
  context.fillStyle = hair;
  context.beginPath();
  context.ellipse(x, height * 0.42, height * 0.2, height * 0.2, 0, Math.PI * (long ? 0.97 : 1.04), Math.PI * (long ? 2.03 : 1.96));
  context.quadraticCurveTo(x + height * 0.06, height * (0.3 + (hue % 5) * 0.012), x - height * 0.19, height * 0.43);
  context.fill();
}

/** A window, a lamp or a shelf behind them. */
function drawFurniture(context: OffscreenCanvasRenderingContext2D, width: number, height: number, hue: number): void {
  if (hue % 3 === 0) {
    context.fillStyle = "rgb(226 234 236 / .55)";
    for (const x of [0.06, 0.19]) context.fillRect(width * x, height * 0.1, width * 0.115, height * 0.5);
  } else if (hue % 3 === 1) {
    context.fillStyle = "rgb(250 214 150 / .6)";
    context.beginPath();
    context.arc(width * 0.82, height * 0.26, height * 0.14, 0, 7);
    context.fill();
  } else {
    for (let book = 0; book < 9; book += 1) {
      context.fillStyle = `hsl(${hue + book * 47} 30% ${34 + ((book * 7) % 5) * 6}% / .8)`;
      const tall = height * (0.16 + ((book * 5) % 4) * 0.025);
      context.fillRect(width * (0.66 + book * 0.033), height * 0.42 - tall, width * 0.026, tall);
    }
    context.fillStyle = "rgb(20 20 20 / .3)";
    context.fillRect(width * 0.64, height * 0.42, width * 0.33, height * 0.02);
  }
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
