import type { CSSProperties, ReactElement } from "react";
import type { ParticipantInfo } from "../../bridge/protocol.generated";
import { Avatar } from "../../design/Avatar";
import { trackOf } from "../../state/people";
import { words } from "../../words";
import type { ShareLayout } from "../grid";
import { Picture, useHasPicture } from "../video/VideoSurface";

interface ShareViewProps {
  sharer: ParticipantInfo;
  layout: ShareLayout;
  frozen: boolean;
}

/** Somebody's screen: fitted, never covered and never cropped, with a line above that says whose. */
export function ShareView({ sharer, layout, frozen }: ShareViewProps): ReactElement {
  const key = `${sharer.id}/screen`;
  const hasPicture = useHasPicture(key);
  const track = trackOf(sharer, "screen");
  const { panel, content } = layout;
  const place: CSSProperties = { insetInlineStart: content.x, insetBlockStart: content.y, inlineSize: content.width, blockSize: content.height };
  return (
    <>
      <div className="share-head" style={{ insetInlineStart: panel.x + 16, insetBlockStart: panel.y + 12, inlineSize: panel.width - 32 }}>
        <Avatar id={sharer.id} name={sharer.name} size={30} />
        <span className="trunc"><b className="strong">{words.call.sharing(sharer.name)}</b></span>
        {track !== undefined && track.width > 0 && <span className="tag num ltr">{track.width} × {track.height}</span>}
      </div>
      <div className="share-content" style={place} role="img" aria-label={words.call.shareOf(sharer.name)}>
        <Picture tileKey={key} fit="whole" radius={10} frozen={frozen} />
        {!hasPicture && <span className="spinner" />}
      </div>
    </>
  );
}
