import { useState, type FormEvent, type ReactElement } from "react";
import { asBridgeError } from "../../bridge/bridge";
import { Button, TextField } from "../../design/controls";
import type { BridgeError } from "../../bridge/commands";
import { useSession } from "../../state/context";
import { words } from "../../words";
import { refusalLine } from "../../words/errors";

/** Join by link or code. What is wrong with the text is said under the field. */
export function JoinCard(): ReactElement {
  const session = useSession();
  const [text, setText] = useState("");
  const [error, setError] = useState<BridgeError | null>(null);
  const join = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    try {
      session.openPreview({ kind: "join", link: await session.parseLink(text), title: "" });
    } catch (thrown) {
      setError(asBridgeError(thrown));
    }
  };
  return (
    <section className="card join-card">
      <form onSubmit={(event) => void join(event)}>
        <div className="join-row">
          <div className="grow">
            <TextField
              label={words.home.joinHeading}
              value={text}
              onChange={(value) => { setText(value); setError(null); }}
              placeholder={words.home.joinPlaceholder}
              error={error === null ? null : refusalLine(error)}
              large
              name="link"
            />
          </div>
          <Button kind="lg" type="submit">{words.home.join}</Button>
        </div>
      </form>
    </section>
  );
}
