import type { ReactElement } from "react";
import { Button } from "../../design/controls";
import { Icon } from "../../design/Icon";
import { TitleBar } from "../../design/TitleBar";
import { Toasts } from "../../design/Toasts";
import type { Screen } from "../../state/app_state";
import { useSession } from "../../state/context";
import { words } from "../../words";
import { endWords } from "../../words/errors";
import "./ended.css";

type EndedState = Extract<Screen, { name: "ended" }>;

/** The call is over for me: why, and what can be done. */
export function EndedScreen({ screen }: { screen: EndedState }): ReactElement {
  const session = useSession();
  const { title, text } = endWords(screen.reason, screen.message, screen.code, screen.others);
  const mine = screen.reason === "left";
  const again = (): void => session.openPreview({ kind: "join", link: screen.again, title: screen.title });
  return (
    <div className="window">
      <TitleBar title={screen.title} />
      <main className="ended">
        <span className={mine ? "well" : "well warn"}><Icon name={mine ? "leave" : "warning"} size={30} /></span>
        <h1>{title}</h1>
        {text !== "" && <p className="muted md">{text}</p>}
        <div className="row">
          {screen.reason !== "removed" && (
            <Button kind={mine ? "lg" : "primary lg"} onPress={again}>{words.ended.joinAgain}</Button>
          )}
          <Button kind={mine ? "primary lg" : "lg"} onPress={() => session.dispatch({ type: "home_opened" })}>{words.ended.home}</Button>
        </div>
        <Toasts />
      </main>
    </div>
  );
}
