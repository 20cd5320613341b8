/** Layouts with one large picture, and the grid around my own small one. Pure; pixels throughout. */
import { gridLayout, optionsFor, pageSize, type GridOptions, type Rect } from "./grid";

export interface LargeLayout {
  large: Rect;
  /** The others, in a row or a column. As many as there is room for. */
  small: Rect[];
}

const ROW_HEIGHT = 130;
const ROW_PLACES = 6;
/** A row never takes more than this part of a low stage. */
const ROW_PART = 0.3;
const LEAST_ROW_WIDTH = 120;
const COLUMN_WIDTH = 232;
const LEAST_COLUMN_HEIGHT = 92;
/** A stage narrower than this has its column as a row below. */
const LEAST_SIDEBAR = 760;

/** One picture as large as fits, 16:9 at most, with a row of up to six below. */
export function speakerLayout(others: number, width: number, height: number): LargeLayout {
  const options = optionsFor(width);
  if (others === 0) return { large: within(0, 0, width, height, options), small: [] };
  const { gap } = options;
  const rowHeight = Math.floor(Math.min(ROW_HEIGHT, height * ROW_PART));
  const places = Math.min(ROW_PLACES, Math.max(1, Math.floor((width + gap) / (LEAST_ROW_WIDTH + gap))));
  const shown = Math.min(others, places);
  const tileWidth = Math.floor(Math.min((width - gap * (shown - 1)) / shown, (rowHeight * 16) / 9));
  const left = (width - shown * tileWidth - gap * (shown - 1)) / 2;
  const small = Array.from({ length: shown }, (_, index) => ({
    x: Math.round(left + index * (tileWidth + gap)), y: height - rowHeight, width: tileWidth, height: rowHeight,
  }));
  return { large: within(0, 0, width, height - rowHeight - gap, options), small };
}

/** One picture large, the others in a column at the end. */
export function sidebarLayout(others: number, width: number, height: number): LargeLayout {
  if (others === 0 || width < LEAST_SIDEBAR) return speakerLayout(others, width, height);
  const options = optionsFor(width);
  const { gap } = options;
  const shown = Math.max(1, Math.min(others, Math.floor((height + gap) / (LEAST_COLUMN_HEIGHT + gap))));
  const tileHeight = Math.floor(Math.min((height - gap * (shown - 1)) / shown, (COLUMN_WIDTH * 3) / 4));
  const top = (height - shown * tileHeight - gap * (shown - 1)) / 2;
  const small = Array.from({ length: shown }, (_, index) => ({
    x: width - COLUMN_WIDTH, y: Math.round(top + index * (tileHeight + gap)), width: COLUMN_WIDTH, height: tileHeight,
  }));
  return { large: within(0, 0, width - COLUMN_WIDTH - gap, height, options), small };
}

/** The largest picture of an allowed aspect, in the middle of an area. */
function within(x: number, y: number, width: number, height: number, options: GridOptions): Rect {
  const area = { width: Math.max(1, width), height: Math.max(1, height) };
  const aspect = Math.min(options.maxAspect, Math.max(options.minAspect, area.width / area.height));
  const fitted = { width: Math.floor(Math.min(area.width, area.height * aspect)), height: Math.floor(Math.min(area.height, area.width / aspect)) };
  return { x: Math.round(x + (area.width - fitted.width) / 2), y: Math.round(y + (area.height - fitted.height) / 2), ...fitted };
}

export const SELF_CORNER = { width: 160, height: 108 };

/** Where my own picture stands when it is no tile: at the end of the bottom. */
export function selfCorner(width: number, height: number): Rect {
  return { x: Math.max(0, width - SELF_CORNER.width), y: Math.max(0, height - SELF_CORNER.height), ...SELF_CORNER };
}

/** How many of `total` go on a page that gives my corner up. */
export function cornerPageSize(total: number, width: number, height: number): number {
  const options = optionsFor(width);
  let best = Math.max(1, ...areasBesideCorner(width, height).map((area) => pageSize(total, area.width, area.height, options)));
  for (let count = pageSize(total, width, height, options); count > best; count -= 1) {
    if (shortLastRow(count, width, height).length > 0) best = count;
  }
  return best;
}

/** The grid of those on a page, over no part of my corner: the whole area where the last row leaves it free, else beside or above it. */
export function cornerGrid(count: number, width: number, height: number): Rect[] {
  const options = optionsFor(width);
  const layouts = areasBesideCorner(width, height).map((area) => gridLayout(count, area.width, area.height, options));
  layouts.push(shortLastRow(count, width, height));
  const size = ([tile]: readonly Rect[]): number => (tile === undefined ? 0 : tile.width * tile.height);
  return layouts.reduce((best, layout) => (size(layout) > size(best) ? layout : best));
}

/** The grid of the whole area, its last row moved to the start as far as my corner needs it; nothing when that is not enough. */
function shortLastRow(count: number, width: number, height: number): Rect[] {
  const { gap } = optionsFor(width);
  const corner = selfCorner(width, height);
  const tiles = gridLayout(count, width, height, optionsFor(width));
  const last = tiles.at(-1);
  if (last === undefined) return [];
  const row = tiles.filter(({ y }) => y === last.y);
  const shift = Math.min(Math.max(0, last.x + last.width + gap - corner.x), row[0]?.x ?? 0);
  const moved = tiles.map((tile) => (tile.y === last.y ? { ...tile, x: tile.x - shift } : tile));
  const free = moved.every((tile) => tile.x + tile.width + gap <= corner.x || tile.y + tile.height + gap <= corner.y);
  return free ? moved : [];
}

function areasBesideCorner(width: number, height: number): { width: number; height: number }[] {
  const { gap } = optionsFor(width);
  return [
    { width: Math.max(0, width - SELF_CORNER.width - gap), height },
    { width, height: Math.max(0, height - SELF_CORNER.height - gap) },
  ];
}
