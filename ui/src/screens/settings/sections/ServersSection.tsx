import { useState, type FormEvent, type ReactElement } from "react";
import { TextField } from "../../../design/controls";
import { SectionCard } from "../../../design/SectionCard";
import { Segmented } from "../../../design/Segmented";
import { useApp, useIsDesktop, useSession } from "../../../state/context";
import { words } from "../../../words";
import { HostCard } from "../../home/HostCard";

/** A name or address with a port, as the native side reads it; IPv6 stands in brackets. */
const ADDRESS = /^(\[[0-9a-f:.]+\]|[^\s/:@]+):\d{1,5}$/i;

/** Where new meetings are made, and the server in this program. */
export function ServersSection(): ReactElement {
  const session = useSession();
  const server = useApp((state) => state.settings.server);
  const [place, setPlace] = useState<"here" | "other">(server === "" ? "here" : "other");
  const desktop = useIsDesktop();
  const text = words.settings.servers;
  const choose = (next: "here" | "other"): void => {
    setPlace(next);
    if (next === "here") void session.changeSettings({ server: "" });
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
        {place === "other" && <AddressField server={server} onSave={(address) => void session.changeSettings({ server: address })} />}
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
    const right = ADDRESS.test(written);
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
