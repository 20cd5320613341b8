import { useId, useState, type FormEvent, type ReactElement } from "react";
import { TextField } from "../../../design/controls";
import { SectionCard } from "../../../design/SectionCard";
import { Segmented } from "../../../design/Segmented";
import { useApp, useIsDesktop, useSession } from "../../../state/context";
import { words } from "../../../words";
import { HostCard } from "../../home/HostCard";

/** A name or address with a port; IPv6 stands in brackets. A self-made certificate's fingerprint may follow. */
const ADDRESS = /^(\[[0-9a-f:.]+\]|[^\s/:@#]+):\d{1,5}(#fp=[0-9a-f]{64})?$/i;

/** The same as a server prints it. */
const WHOLE_ADDRESS = /^https?:\/\/(\[[0-9a-f:.]+\]|[^\s/:@#]+)(:\d{1,5})?\/?(#fp=[0-9a-f]{64})?$/i;

/** Where new meetings are made, and the server in this program. */
export function ServersSection(): ReactElement {
  const session = useSession();
  const server = useApp((state) => state.settings.server);
  const [place, setPlace] = useState<"here" | "other">(server === "" ? "here" : "other");
  const desktop = useIsDesktop();
  const text = words.settings.servers;
  const choose = (next: "here" | "other"): void => {
    setPlace(next);
    if (next === "here") void session.changeSettings({ server: "", host_key: "" });
  };
  return (
    <>
      <SectionCard title={text.heading}>
        <Segmented
          label={text.where}
          text={text.text}
          value={place}
          options={[{ value: "here", label: desktop ? text.here : words.browser.pageServer }, { value: "other", label: text.other }]}
          onChange={choose}
        />
        {place === "other" && (
          // A key is one server's: another is not told it.
          <AddressField server={server} onSave={(address) => void session.changeSettings({ server: address, host_key: "" })} />
        )}
        {place === "other" && desktop && server !== "" && <HostKeyField key={server} />}
      </SectionCard>
      {desktop && <HostCard />}
    </>
  );
}

/** Kept when one leaves the field or presses Enter, if it is an address. */
function AddressField({ server, onSave }: { server: string; onSave: (address: string) => void }): ReactElement {
  const [address, setAddress] = useState(server);
  const [wrong, setWrong] = useState(false);
  const save = (): void => {
    const written = address.trim();
    const right = ADDRESS.test(written) || WHOLE_ADDRESS.test(written);
    setWrong(!right && written !== "");
    if (right && written !== server) onSave(written);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save();
  };
  return (
    <form className="pad" onSubmit={submit}>
      <TextField
        label={words.settings.servers.address}
        value={address}
        onChange={(value) => { setAddress(value); setWrong(false); }}
        onBlur={save}
        error={wrong ? words.settings.servers.addressWrong : null}
        name="server"
      />
      <p className="xs dim hint">{words.settings.servers.addressHint}</p>
    </form>
  );
}

/** Kept when one leaves the field or presses Enter. It is not shown: whoever stands behind could read it. */
function HostKeyField(): ReactElement {
  const session = useSession();
  const kept = useApp((state) => state.settings.host_key);
  const [key, setKey] = useState(kept);
  const id = useId();
  const text = words.settings.servers;
  const save = (): void => {
    if (key.trim() !== kept) void session.changeSettings({ host_key: key.trim() });
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save();
  };
  return (
    <form className="pad" onSubmit={submit}>
      <div className="labelled">
        <label htmlFor={id}>{text.hostKey}</label>
        <input
          id={id}
          className="field"
          type="password"
          name="host-key"
          value={key}
          autoComplete="off"
          spellCheck={false}
          aria-describedby={`${id}-hint`}
          onChange={(event) => setKey(event.target.value)}
          onBlur={save}
        />
      </div>
      <p className="xs dim hint" id={`${id}-hint`}>{text.hostKeyHint}</p>
    </form>
  );
}
