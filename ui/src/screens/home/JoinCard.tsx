import { useEffect, useRef, useState, type FormEvent, type ReactElement } from "react";
import { asBridgeError } from "../../bridge/bridge";
import { Button, TextField } from "../../design/controls";
import type { BridgeError } from "../../bridge/commands";
import { useApp, useSession } from "../../state/context";
import { words } from "../../words";
import { refusalLine } from "../../words/errors";

/** Join by link or code. What is wrong with the text is said under the field. */
export function JoinCard(): ReactElement {
  const session = useSession();
  const entered = useApp((state) => (state.screen.name === "home" ? state.screen.entered : undefined));
  const form = useRef<HTMLFormElement>(null);
  const [text, setText] = useState(entered ?? "");
  const [error, setError] = useState<BridgeError | null>(null);
  useEffect(() => {
    const field = form.current?.elements.namedItem("link");
    if (entered === undefined || !(field instanceof HTMLInputElement)) return;
    field.focus();
    field.setSelectionRange(entered.length, entered.length);
  }, [entered]);
  const join = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    try {
      session.openPreview({ kind: "join", link: await session.parseLink(text), title: "", typed: text });
    } catch (thrown) {
      setError(asBridgeError(thrown));
    }
  };
  return (
    <section className="card join-card">
      <form ref={form} onSubmit={(event) => void join(event)}>
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
