import { useRef, type CSSProperties, type ReactElement } from "react";
import type { ParticipantInfo } from "../../bridge/protocol.generated";
import { Avatar } from "../../design/Avatar";
import { Button } from "../../design/controls";
import { Icon } from "../../design/Icon";
import { trackOf } from "../../state/people";
import { words } from "../../words";
import type { ShareLayout } from "../grid";
import { Picture, useHasPicture } from "../video/VideoSurface";
import { useZoom, type ZoomControls } from "./use_zoom";

interface ShareViewProps {
  sharer: ParticipantInfo;
  layout: ShareLayout;
  frozen: boolean;
}

/** Somebody's screen: fitted, never covered, with a line above that says whose. One may look closer. */
export function ShareView({ sharer, layout, frozen }: ShareViewProps): ReactElement {
  const key = `${sharer.id}/screen`;
  const hasPicture = useHasPicture(key);
  const track = trackOf(sharer, "screen");
  const { panel, content } = layout;
  const box = useRef<HTMLDivElement>(null);
  const zoomed = useZoom(box, content.width, content.height, { width: track?.width ?? 0, height: track?.height ?? 0 });
  const place: CSSProperties = { insetInlineStart: content.x, insetBlockStart: content.y, inlineSize: content.width, blockSize: content.height };
  return (
    <>
      <div className="share-head" style={{ insetInlineStart: panel.x + 16, insetBlockStart: panel.y + 12, inlineSize: panel.width - 32 }}>
        <Avatar id={sharer.id} name={sharer.name} size={30} />
        <span className="trunc"><b className="strong">{words.call.sharing(sharer.name)}</b></span>
        {track !== undefined && track.width > 0 && <span className="tag num ltr">{track.width} × {track.height}</span>}
        <span className="grow" />
        <ZoomButtons zoomed={zoomed} />
      </div>
      <div
        className={zoomed.zoom.scale > 1 ? "share-content closer" : "share-content"}
        style={place}
        ref={box}
        role="img"
        aria-label={words.call.shareOf(sharer.name)}
        aria-description={words.call.zoomKeys}
        tabIndex={0}
        onKeyDown={zoomed.onKeyDown}
        onPointerDown={zoomed.onPointerDown}
        onDoubleClick={zoomed.zoom.scale > 1 ? zoomed.fit : undefined}
      >
        <Picture tileKey={key} fit="whole" radius={10} frozen={frozen} zoom={zoomed.zoom} />
        {!hasPicture && <span className="spinner" />}
      </div>
    </>
  );
}

function ZoomButtons({ zoomed }: { zoomed: ZoomControls }): ReactElement {
  const percent = Math.round(zoomed.zoom.scale * 100);
  return (
    <span className="row zoom-buttons">
      <Button kind="ghost icon sm" aria-label={words.call.zoomOut} isDisabled={percent === 100} onPress={zoomed.farther}>
        <svg className="ic" width={15} height={15} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={1.75} strokeLinecap="round" aria-hidden="true"><path d="M5 12h14" /></svg>
      </Button>
      <Button kind="ghost sm" aria-label={words.call.zoomFit(percent)} onPress={zoomed.fit}><span className="num">{percent} %</span></Button>
      <Button kind="ghost icon sm" aria-label={words.call.zoomIn} onPress={zoomed.closer}><Icon name="plus" size={15} /></Button>
    </span>
  );
}
