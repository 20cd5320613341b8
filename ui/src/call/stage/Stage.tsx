import { useRef, useState, type KeyboardEvent, type ReactElement } from "react";
import type { ParticipantInfo } from "../../bridge/protocol.generated";
import { useCall, useSession } from "../../state/context";
import { pageCount, pageOf, sharers, stageOrder, stripOf } from "../../state/people";
import { words } from "../../words";
import { gridLayout, optionsFor, pageSize, shareLayout, type Rect } from "../grid";
import { VideoSurface } from "../video/VideoSurface";
import { AloneBand } from "./AloneBand";
import { Pages } from "./Pages";
import { ShareView } from "./ShareView";
import { Tile } from "./Tile";
import { tilePerson } from "./tile_people";
import { useMove } from "./use_move";
import { useSize } from "./use_size";
import { useView } from "./use_view";

/** What the stage shows: who, and where each stands. */
interface Arrangement {
  shown: readonly ParticipantInfo[];
  rects: readonly Rect[];
  pages: number;
}

/** Room for what stands under the grid, so that it never lies over a face. */
const ALONE_BAND = 76;
const PAGES_BAND = 38;

/** Faces and shared screens. Tiles keep their place when someone speaks; only a person's act moves them. */
export function Stage(): ReactElement {
  const call = useCall();
  const session = useSession();
  const stage = useRef<HTMLDivElement>(null);
  const size = useSize(stage);
  const [page, setPage] = useState(0);
  const [focused, setFocused] = useState(0);
  const narrow = size.width < 560;
  const padding = narrow ? 8 : 12;
  const [sharer] = sharers(call.participants, call.me);
  const alone = call.participants.length === 1 && call.phase.phase === "joined";
  const ordered = stageOrder(call.participants, call.me, call.pinned);
  useView(call.me, call.pinned);

  const share = sharer === undefined || size.width === 0 ? null : shareLayout(ordered.length, size.width, size.height);
  let arrangement: Arrangement = { shown: [], rects: [], pages: 1 };
  if (share !== null) {
    arrangement = { shown: stripOf(ordered, call.speaking, call.me, share.strip.length), rects: share.strip, pages: 1 };
  } else if (size.width > 0) {
    const area: Rect = { x: padding, y: padding, width: size.width - 2 * padding, height: size.height - 2 * padding - (alone ? ALONE_BAND : 0) };
    arrangement = arrangeGrid(ordered, area, page, call.me, call.pinned, call.speaking);
  }
  const shownPage = Math.min(page, arrangement.pages - 1);
  useMove(stage, `${share !== null}:${arrangement.rects.map(({ x, y }) => `${x},${y}`).join(" ")}:${arrangement.shown.map(({ id }) => id).join(" ")}`);

  return (
    <div className={share === null ? "stage" : "stage sharing"} ref={stage} data-region="stage">
      {share !== null && <div className="stage-panel" style={{ left: share.panel.x, top: share.panel.y, width: share.panel.width, height: share.panel.height }} />}
      <VideoSurface />
      {share !== null && sharer !== undefined && <ShareView sharer={sharer} layout={share} frozen={call.phase.phase === "reconnecting"} />}
      <div role="list" aria-label={words.call.stage} onKeyDown={(event) => moveFocus(event, stage.current)}>
        {arrangement.shown.map((participant, index) => {
          const rect = arrangement.rects[index];
          return rect === undefined ? null : (
            <Tile
              key={participant.id}
              person={tilePerson(call, participant)}
              rect={rect}
              narrowWindow={narrow}
              tabbable={index === Math.min(focused, arrangement.shown.length - 1)}
              onPin={() => session.dispatch({ type: "pin_toggled", participant: participant.id })}
              onFocus={() => setFocused(index)}
            />
          );
        })}
      </div>
      {alone && <AloneBand />}
      {arrangement.pages > 1 && <Pages page={shownPage} pages={arrangement.pages} onChange={setPage} />}
    </div>
  );
}

function arrangeGrid(
  ordered: readonly ParticipantInfo[],
  area: Rect,
  page: number,
  me: string,
  pinned: string | null,
  heard: readonly string[],
): Arrangement {
  const options = optionsFor(area.width);
  if (pageSize(ordered.length, area.width, area.height, options) < ordered.length) area = { ...area, height: area.height - PAGES_BAND };
  const perPage = pageSize(ordered.length, area.width, area.height, options);
  const pages = pageCount(ordered.length, perPage);
  const shown = pageOf(ordered, perPage, Math.min(page, pages - 1), me, (id) => id === pinned, heard);
  const rects = gridLayout(shown.length, area.width, area.height, options)
    .map((rect) => ({ ...rect, x: rect.x + area.x, y: rect.y + area.y }));
  return { shown, rects, pages };
}

/** Arrows go between tiles. */
function moveFocus(event: KeyboardEvent, stage: HTMLElement | null): void {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step === undefined || stage === null) return;
  const tiles = [...stage.querySelectorAll<HTMLElement>('[role="listitem"]')];
  const at = tiles.findIndex((tile) => tile === document.activeElement);
  const next = tiles[at + step];
  if (at < 0 || next === undefined) return;
  event.preventDefault();
  next.focus();
}
