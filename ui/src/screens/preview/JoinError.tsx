import { useState, type ReactElement } from "react";
import { Button } from "../../design/controls";
import { Icon } from "../../design/Icon";
import type { Screen } from "../../state/app_state";
import { useApp, useSession } from "../../state/context";
import { hostingRemedy } from "../../state/hosted_here";
import { words } from "../../words";
import { errorWords } from "../../words/errors";

type PreviewState = Extract<Screen, { name: "preview" }>;

/** Why joining did not work, and the way out. */
export function JoinError({ screen }: { screen: PreviewState }): ReactElement | null {
  const session = useSession();
  const hosting = useApp(hostingRemedy);
  const { error, intent } = screen;
  if (error === null) return null;
  const said = errorWords(error, intent.kind === "join" ? intent.link.code : null);
  const { title, text } = said;
  // A code alone is looked up at the server of the settings: no other link would say more of it.
  const isCodeAlone = intent.kind === "join" && intent.link.server === null;
  const remedy = error.code === "server_untrusted" && isCodeAlone ? "change_server" : said.remedy;
  if (hosting !== null) return <Note title={title} text={hosting === "start" ? words.host.mustRun : words.host.moved}><HostedHere starts={hosting === "start"} /></Note>;
  const act = (): void => {
    if (remedy === "try_again") void session.enter();
    // The code is there to be looked over; for another link the field is empty.
    else if (remedy === "check_code") session.leavePreview(intent.kind === "join" ? intent.typed ?? intent.link.join_text : undefined);
    else session.leavePreview(remedy === "ask_link" ? "" : undefined);
  };
  return <Note title={title} text={text}>{remedy !== "none" && <Button kind="sm" onPress={act}>{words.remedies[remedy]}</Button>}</Note>;
}

/** The meeting is one of this computer's own, so hosting is what is missing. */
function HostedHere({ starts }: { starts: boolean }): ReactElement {
  const session = useSession();
  const [busy, setBusy] = useState(false);
  const press = async (): Promise<void> => {
    setBusy(true);
    await session.enterHere();
    setBusy(false);
  };
  return <Button kind="sm" busy={busy ? words.host.starting : undefined} onPress={() => void press()}>{starts ? words.host.start : words.host.joinThere}</Button>;
}

function Note({ title, text, children }: { title: string; text: string; children: ReactElement | false }): ReactElement {
  return (
    <div className="note danger" role="alert">
      <Icon name="warning" size={18} />
      <span className="grow">
        <b className="med">{title}</b>
        {text !== "" && <><br /><span className="muted">{text}</span></>}
        {children !== false && <span className="actions">{children}</span>}
      </span>
    </div>
  );
}
