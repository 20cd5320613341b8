import type { ReactElement } from "react";
import { Icon } from "../../design/Icon";
import { useCall } from "../../state/context";
import { words } from "../../words";

/** While I share: what, and how many see it. The dock's button stops it. */
export function ShareBanner(): ReactElement | null {
  const { media, participants, phase } = useCall();
  if (media.share === null) return null;
  return (
    <div className="share-banner" role="status">
      <span className="well"><Icon name="share-screen" size={20} /></span>
      <span className="grow">
        <b className="strong trunc block">{words.call.youAreSharing(media.share.title)}</b>
        <span className="xs muted">{phase.phase === "reconnecting" ? words.call.nobodySeesIt : words.call.whoSeesIt(participants.length - 1)}</span>
      </span>
    </div>
  );
}
