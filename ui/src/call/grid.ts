/** The layout of the call: pure functions from counts and sizes to rectangles. Pixels throughout. */

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface GridOptions {
  gap: number;
  /** Tiles keep an aspect between these two, so pictures are cropped a little rather than the stage left empty. */
  minAspect: number;
  maxAspect: number;
}

export const WIDE_GRID: GridOptions = { gap: 10, minAspect: 4 / 3, maxAspect: 16 / 9 };
export const NARROW_GRID: GridOptions = { gap: 8, minAspect: 0.8, maxAspect: 16 / 9 };

/** Below this width the stage is a narrow one. */
export const NARROW_STAGE = 560;
const MOST_ON_A_PAGE = 49;

interface Candidate {
  score: number;
  columns: number;
  rows: number;
  width: number;
  height: number;
}

/** The options and the smallest tile for a stage of this width. */
export function optionsFor(width: number): GridOptions {
  return width < NARROW_STAGE ? NARROW_GRID : WIDE_GRID;
}

/**
 * `count` equal tiles in an area, in rows; the last row is centred. Takes the number of columns whose tile has the
 * largest area, an empty cell costing two per cent. An area too small for any tile gives no rectangle.
 */
export function gridLayout(count: number, width: number, height: number, options: GridOptions = WIDE_GRID): Rect[] {
  const best = bestCandidate(count, width, height, options);
  if (best === null) return [];
  const { gap } = options;
  const top = (height - best.rows * best.height - gap * (best.rows - 1)) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / best.columns);
    const inRow = row === best.rows - 1 ? count - row * best.columns : best.columns;
    const left = (width - inRow * best.width - gap * (inRow - 1)) / 2;
    return {
      x: Math.round(left + (index - row * best.columns) * (best.width + gap)),
      y: Math.round(top + row * (best.height + gap)),
      width: best.width,
      height: best.height,
    };
  });
}

function bestCandidate(count: number, width: number, height: number, options: GridOptions): Candidate | null {
  let best: Candidate | null = null;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    let tileWidth = (width - options.gap * (columns - 1)) / columns;
    let tileHeight = (height - options.gap * (rows - 1)) / rows;
    if (tileWidth < 1 || tileHeight < 1) continue;
    if (tileWidth / tileHeight > options.maxAspect) tileWidth = tileHeight * options.maxAspect;
    else if (tileWidth / tileHeight < options.minAspect) tileHeight = tileWidth / options.minAspect;
    const score = tileWidth * tileHeight * (1 - 0.02 * (columns * rows - count));
    if (best === null || score > best.score + 1e-6) {
      best = { score, columns, rows, width: Math.floor(tileWidth), height: Math.floor(tileHeight) };
    }
  }
  return best;
}

/** How many of `total` tiles go on one page: as many as leave the smallest tile legible, at most 49. */
export function pageSize(total: number, width: number, height: number, options: GridOptions = WIDE_GRID): number {
  const narrow = width < NARROW_STAGE;
  const leastWidth = narrow ? 200 : 144;
  const leastHeight = narrow ? 150 : 92;
  for (let count = Math.min(total, MOST_ON_A_PAGE); count > 1; count -= 1) {
    const tile = gridLayout(count, width, height, options)[0];
    if (tile !== undefined && tile.width >= leastWidth && tile.height >= leastHeight) return count;
  }
  return 1;
}

export interface ShareLayout {
  /** The panel behind the shared content. */
  panel: Rect;
  /** Where the content is fitted; its title stands above it. */
  content: Rect;
  /** The people, who speaks first. Only as many as there is room for. */
  strip: Rect[];
}

const STRIP_WIDTH = 232;
const STRIP_TOP_HEIGHT = 92;
const SHARE_HEADER = 34;

/** Content large, people in a strip at the right; a window under 1000 wide has the strip on top. */
export function shareLayout(people: number, width: number, height: number, gap = 10, padding = 12): ShareLayout {
  const onTop = width < 1000;
  const strip: Rect[] = [];
  let panel: Rect;
  if (onTop) {
    const tileWidth = Math.floor((STRIP_TOP_HEIGHT * 16) / 9);
    const fitting = Math.max(1, Math.floor((width + gap) / (tileWidth + gap)));
    for (let index = 0; index < Math.min(people, fitting); index += 1) {
      strip.push({ x: index * (tileWidth + gap), y: 0, width: tileWidth, height: STRIP_TOP_HEIGHT });
    }
    panel = { x: 0, y: STRIP_TOP_HEIGHT + gap, width, height: Math.max(1, height - STRIP_TOP_HEIGHT - gap) };
  } else {
    const shown = Math.max(1, Math.min(people, Math.floor((height + gap) / (92 + gap))));
    const tileHeight = Math.min(Math.floor((height - gap * (shown - 1)) / shown), Math.floor((STRIP_WIDTH * 3) / 4));
    for (let index = 0; index < Math.min(people, shown); index += 1) {
      strip.push({ x: width - STRIP_WIDTH, y: index * (tileHeight + gap), width: STRIP_WIDTH, height: tileHeight });
    }
    panel = { x: 0, y: 0, width: Math.max(1, width - STRIP_WIDTH - gap), height };
  }
  const content = {
    x: panel.x + padding,
    y: panel.y + padding + SHARE_HEADER + gap,
    width: Math.max(1, panel.width - 2 * padding),
    height: Math.max(1, panel.height - 2 * padding - SHARE_HEADER - gap),
  };
  return { panel, content, strip };
}
