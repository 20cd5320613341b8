import { useLayoutEffect, useRef, type ReactElement } from "react";
import { Button } from "../../design/controls";
import { Icon } from "../../design/Icon";
import { useApp, useCall, useSession } from "../../state/context";
import { adviceForOthers, worksHereOnly } from "../../state/reach";
import { words } from "../../words";
import { useSize } from "./use_size";

/** Between the band and the picture above it, CSS pixels. */
const GAP = 16;

/** Nobody else is here yet: what to do about it. It takes room from the grid, never from a face: `onRoom` is told how much. */
export function AloneBand({ onRoom }: { onRoom: (height: number) => void }): ReactElement {
  const session = useSession();
  const hereOnly = worksHereOnly(useCall().link);
  const advice = useApp(adviceForOthers);
  const band = useRef<HTMLDivElement>(null);
  const { height } = useSize(band);
  useLayoutEffect(() => onRoom(height === 0 ? 0 : height + GAP), [onRoom, height]);
  return (
    <div className="alone-band" ref={band}>
      <div className="grow">
        <b className="strong">{words.call.alone}</b>
        <p className={hereOnly ? "xs warn-text" : "xs muted"}>{hereOnly ? `${words.call.linkHereOnly} ${advice}` : words.call.aloneText}</p>
      </div>
      <Button kind="primary" onPress={() => void session.copyLink()}>
        <Icon name="link" size={17} />
        {words.call.copyLink}
      </Button>
    </div>
  );
}
