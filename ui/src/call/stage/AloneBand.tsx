import type { ReactElement } from "react";
import { Button } from "../../design/controls";
import { Icon } from "../../design/Icon";
import { useSession } from "../../state/context";
import { words } from "../../words";

/** Nobody else is here yet: what to do about it. It takes room from the grid, never from a face. */
export function AloneBand(): ReactElement {
  const session = useSession();
  return (
    <div className="alone-band">
      <div className="grow">
        <b className="strong">{words.call.alone}</b>
        <p className="xs muted">{words.call.aloneText}</p>
      </div>
      <Button kind="primary" onPress={() => void session.copyLink()}>
        <Icon name="link" size={17} />
        {words.call.copyLink}
      </Button>
    </div>
  );
}
