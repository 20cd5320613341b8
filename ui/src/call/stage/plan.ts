/** Which places the stage has, for how many people and in which layout. Pure; who takes them is `seatsOf`. Pixels throughout. */
import type { CallLayout } from "../../bridge/commands";
import { pageCount } from "../../state/people";
import { gridLayout, NARROW_STAGE, optionsFor, pageSize, shareLayout, type Rect, type ShareLayout } from "../grid";
import { cornerGrid, cornerPageSize, selfCorner, sidebarLayout, speakerLayout } from "../layouts";

export interface StageInput {
  layout: CallLayout;
  /** People beside me, those included whose gap is open. */
  others: number;
  /** My own picture is shown to me. */
  withSelf: boolean;
  /** Screens of others that are shared. */
  shares: number;
  /** The inner size of the stage. */
  width: number;
  height: number;
  page: number;
  /** Height to leave free at the bottom. */
  band: number;
}

export interface StagePlan {
  kind: "share" | "grid" | "speaker" | "sidebar";
  share: ShareLayout | null;
  /** The large place of a person. */
  large: Rect | null;
  /** The places of this page: further shares, then people, on page one me last. */
  places: readonly Rect[];
  /** My own picture, when it is no tile. */
  corner: Rect | null;
  selfTile: boolean;
  /** Places for further shares on page one. */
  shareTiles: number;
  page: number;
  pages: number;
  /** Places of others on page one, the large one not counted. */
  first: number;
  perPage: number;
  /** Where the page buttons stand. */
  pager: "bottom" | "side" | "top";
}

/** Above so many people my own picture leaves the grid for its corner. */
export const MOST_WITH_SELF_TILE = 9;
/** Room for the page buttons, so that they never lie over a face. */
const PAGER = 38;
const PAGER_WIDTH = 120;
const STRIP_ON_TOP_BELOW = 1000;

export function planStage(input: StageInput): StagePlan {
  if (input.shares > 0) return sharePlan(input);
  const padding = input.width < NARROW_STAGE ? 8 : 12;
  const area: Rect = { x: padding, y: padding, width: Math.max(0, input.width - 2 * padding), height: Math.max(0, input.height - 2 * padding - input.band) };
  const plan = input.layout === "grid" || input.others === 0 ? gridPlan(input, area) : largePlan(input, area);
  const move = (rect: Rect): Rect => ({ ...rect, x: rect.x + area.x, y: rect.y + area.y });
  return {
    ...plan,
    large: plan.large === null ? null : move(plan.large),
    corner: plan.corner === null ? null : move(plan.corner),
    places: plan.places.map(move),
  };
}

function gridPlan(input: StageInput, whole: Rect): StagePlan {
  const corner = input.withSelf && input.others + 1 > MOST_WITH_SELF_TILE;
  const selfTile = input.withSelf && !corner;
  const total = input.others + (selfTile ? 1 : 0);
  const options = optionsFor(whole.width);
  const fits = (height: number): number => (corner ? cornerPageSize(total, whole.width, height) : pageSize(total, whole.width, height, options));
  const height = fits(whole.height) < total ? whole.height - PAGER : whole.height;
  const paged = paging(input, total, fits(height), selfTile ? 1 : 0);
  const count = shownOn(paged, input.others);
  const places = corner ? cornerGrid(count, whole.width, height) : gridLayout(count, whole.width, height, options);
  return {
    kind: "grid", share: null, large: null, places, corner: corner ? selfCorner(whole.width, height) : null, selfTile, shareTiles: 0, pager: "bottom", ...paged,
  };
}

function largePlan(input: StageInput, whole: Rect): StagePlan {
  const kind = input.layout === "sidebar" ? "sidebar" : "speaker";
  const layout = kind === "sidebar" ? sidebarLayout : speakerLayout;
  const selfTile = input.withSelf;
  const small = input.others - 1;
  const total = small + (selfTile ? 1 : 0);
  const paged = layout(total, whole.width, whole.height).small.length < total;
  const height = paged ? whole.height - PAGER : whole.height;
  const full = layout(total, whole.width, height);
  const side = kind === "sidebar" && full.small.some(({ y }, index) => index > 0 && y !== full.small[0]?.y);
  const pages = paging(input, total, Math.max(1, full.small.length), selfTile ? 1 : 0);
  const count = shownOn(pages, small);
  // The large picture is as large on the last page as on the others.
  const { small: places } = layout(count, whole.width, height);
  return { kind, share: null, large: full.large, places, corner: null, selfTile, shareTiles: 0, pager: side ? "side" : "bottom", ...pages };
}

function sharePlan(input: StageInput): StagePlan {
  const shareTiles = input.shares - 1;
  const selfTile = input.withSelf;
  const total = Math.max(1, input.others + (selfTile ? 1 : 0) + shareTiles);
  const onTop = input.width < STRIP_ON_TOP_BELOW;
  const share = shareLayout(total, input.width, input.height);
  const strip = (count: number): Rect[] => shareLayout(count, input.width, input.height).strip;
  // With pages the strip leaves room for their buttons; the content keeps its place.
  const narrowed = (count: number): Rect[] => (onTop
    ? strip(count).filter(({ x, width }) => x + width <= input.width - PAGER_WIDTH)
    : shareLayout(count, input.width, input.height - PAGER).strip);
  const paged = share.strip.length < total;
  const perPage = Math.max(1, (paged ? narrowed(total) : strip(total)).length);
  const pages = paging(input, total, perPage, Math.min(perPage - 1, shareTiles) + (selfTile ? 1 : 0));
  const count = shownOn(pages, input.others);
  const places = paged ? narrowed(count) : strip(count);
  return {
    kind: "share", share: { ...share, strip: places }, large: null, places, corner: null, selfTile,
    shareTiles: Math.min(perPage - 1, shareTiles), pager: onTop ? "top" : "side", ...pages,
  };
}

type Paging = Pick<StagePlan, "page" | "pages" | "first" | "perPage">;

/** `fixed` places of page one are no seats of others. */
function paging(input: StageInput, total: number, perPage: number, fixed: number): Paging {
  const pages = pageCount(total, perPage);
  return { pages, page: Math.min(Math.max(0, input.page), pages - 1), first: Math.max(0, perPage - fixed), perPage: Math.max(perPage, fixed) };
}

/** How many places this page has. */
function shownOn({ page, first, perPage }: Paging, others: number): number {
  const fixed = perPage - first;
  return page === 0 ? Math.min(others, first) + fixed : Math.max(0, Math.min(perPage, others - first - (page - 1) * perPage));
}

/** The seats of this page, of all seats of others without the large one. */
export function seatsOf<Seat>(seats: readonly Seat[], { page, first, perPage }: Pick<StagePlan, "page" | "first" | "perPage">): readonly Seat[] {
  if (page === 0) return seats.slice(0, first);
  const start = first + (page - 1) * perPage;
  return seats.slice(start, start + perPage);
}

/** The seats with one of them large: it changes places with the first, so that all others stay where they are. */
export function withLargeFirst<Seat>(seats: readonly Seat[], large: number): readonly Seat[] {
  const first = seats[0];
  const chosen = seats[large];
  if (large <= 0 || first === undefined || chosen === undefined) return seats;
  return [chosen, ...seats.slice(1, large), first, ...seats.slice(large + 1)];
}
