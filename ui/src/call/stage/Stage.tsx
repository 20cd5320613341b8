import { useRef, useState, type KeyboardEvent, type ReactElement, type RefObject } from "react";
import { useApp, useCall, useSession } from "../../state/context";
import { words } from "../../words";
import { useReactions } from "../use_wake";
import { useShortcuts } from "../use_shortcuts";
import { VideoSurface } from "../video/VideoSurface";
import { AloneBand } from "./AloneBand";
import { ARROWS, neighbour } from "./neighbour";
import { Pages } from "./Pages";
import { ShareTile } from "./ShareTile";
import { ShareView } from "./ShareView";
import { Tile } from "./Tile";
import { TileMenu } from "./TileMenu";
import { tilePerson } from "./tile_people";
import { useArrangement, type KeptSeats, type StageTile } from "./use_arrangement";
import { useMove } from "./use_move";
import { useSize } from "./use_size";
import { useView } from "./use_view";

/** Faces and shared screens. Tiles keep their place when someone speaks; only a person's act moves them. */
export function Stage({ kept }: { kept: RefObject<KeptSeats> }): ReactElement {
  const call = useCall();
  const session = useSession();
  const layout = useApp((state) => state.settings.layout);
  const hideSelf = useApp((state) => state.settings.hide_self);
  const mirrored = useApp((state) => state.settings.mirror);
  const reactions = useReactions();
  const stage = useRef<HTMLDivElement>(null);
  const size = useSize(stage);
  const [page, setPage] = useState(0);
  const [focused, setFocused] = useState("");
  const [band, setBand] = useState(0);
  const [menu, setMenu] = useState<{ key: string; opener: HTMLElement } | null>(null);
  const narrow = size.width < 560;
  const alone = call.participants.length === 1 && call.phase.phase === "joined";
  const { plan, tiles, sharer } = useArrangement({ kept, call, layout, hideSelf, size, page, band: alone ? Math.min(band, size.height / 2) : 0 });
  const { share } = plan;
  const frozen = call.phase.phase === "reconnecting";
  useView(call.me, call.pinned);
  useMove(stage, `${plan.kind}:${tiles.map(({ key, rect }) => `${key},${rect.x},${rect.y},${rect.width}`).join(" ")}`);
  useShortcuts(plan.pages === 1 ? {} : {
    nextPage: () => setPage(Math.min(plan.pages - 1, plan.page + 1)),
    previousPage: () => setPage(Math.max(0, plan.page - 1)),
  });

  const tabbable = tiles.some(({ key }) => key === focused) ? focused : tiles[0]?.key;
  const menuTile = tiles.find(({ key }) => key === menu?.key);
  const draw = (tile: StageTile): ReactElement => {
    const { key, kind, participant, rect } = tile;
    const common = {
      rect, tabbable: key === tabbable, onFocus: () => setFocused(key), onMenu: (opener: HTMLElement) => setMenu({ key, opener }),
    };
    if (kind === "share") return <ShareTile key={key} id={key} participant={participant} frozen={frozen} {...common} />;
    const pin = (): void => session.dispatch({ type: "pin_toggled", participant: participant.id });
    return <Tile key={key} person={tilePerson(call, participant, reactions)} narrowWindow={narrow} mirrored={mirrored} onPin={pin} {...common} />;
  };
  return (
    <div className={share === null ? "stage" : "stage sharing"} ref={stage} data-region="stage" data-layout={plan.kind}>
      {share !== null && (
        <div className="stage-panel" style={{ insetInlineStart: share.panel.x, insetBlockStart: share.panel.y, inlineSize: share.panel.width, blockSize: share.panel.height }} />
      )}
      <VideoSurface />
      {share !== null && sharer !== null && <ShareView key={sharer.id} sharer={sharer} layout={share} frozen={frozen} />}
      <div role="list" aria-label={words.call.stage} onKeyDown={(event) => moveFocus(event, stage.current, tiles)}>{tiles.map(draw)}</div>
      {alone && <AloneBand onRoom={setBand} />}
      {plan.pages > 1 && <Pages page={plan.page} pages={plan.pages} place={plan.pager} onChange={setPage} />}
      {menu !== null && menuTile !== undefined && <TileMenu tile={menuTile} opener={menu.opener} onClose={() => setMenu(null)} />}
    </div>
  );
}

/** Arrows go to the tile one sees in that direction. */
function moveFocus(event: KeyboardEvent, stage: HTMLElement | null, tiles: readonly StageTile[]): void {
  const direction = ARROWS[event.key];
  if (direction === undefined || stage === null || event.ctrlKey || event.altKey) return;
  const at = tiles.findIndex(({ key }) => key === (document.activeElement as HTMLElement | null)?.dataset["participant"]);
  if (at < 0) return;
  // Where one writes from right to left the places are mirrored.
  const mirrored = getComputedStyle(stage).direction === "rtl";
  const rects = tiles.map(({ rect }) => (mirrored ? { ...rect, x: -rect.x - rect.width } : rect));
  const next = tiles[neighbour(rects, at, direction) ?? -1];
  if (next === undefined) return;
  event.preventDefault();
  stage.querySelector<HTMLElement>(`[data-participant="${CSS.escape(next.key)}"]`)?.focus();
}
