import { useState, type ReactElement } from "react";
import type { HostStatus } from "../../bridge/commands";
import { ConfirmDialog } from "../../design/ConfirmDialog";
import { Button } from "../../design/controls";
import { Icon, type IconName } from "../../design/Icon";
import { useApp, useSession } from "../../state/context";
import { words } from "../../words";
import "../../design/kit.css";
import "./home.css";

/** The server in this program: whether it runs, how others find it, and what they cannot know from here. */
export function HostCard(): ReactElement {
  const session = useSession();
  const host = useApp((state) => state.host);
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const text = words.host;
  const running = host?.running === true;
  const people = host?.people ?? 0;
  const set = async (on: boolean): Promise<void> => {
    setAsking(false);
    setBusy(true);
    await session.setHosting(on);
    setBusy(false);
  };
  const verb = running ? text.stopping : text.starting;
  return (
    <section className="card host-card" aria-labelledby="host-heading">
      <div className="host-head">
        <span className="hic"><Icon name="device" size={21} /></span>
        <div className="grow">
          <h2 className="strong" id="host-heading">{text.heading}</h2>
          <p className="muted">{text.text}</p>
        </div>
        <span className={running ? "chip ok" : "chip"} role="status">{running ? text.running : text.stopped}</span>
      </div>
      {host !== null && running && <HostFacts host={host} />}
      <Button
        kind="wide"
        busy={busy ? verb : undefined}
        onPress={() => { if (running && people > 0) setAsking(true); else void set(!running); }}
      >
        {running ? text.stop : text.start}
      </Button>
      {asking && (
        <ConfirmDialog
          question={text.stopQuestion}
          text={text.stopText(people)}
          yes={text.stop}
          no={text.keepRunning}
          onNo={() => setAsking(false)}
          onYes={() => void set(false)}
        />
      )}
    </section>
  );
}

function HostFacts({ host }: { host: HostStatus }): ReactElement {
  const session = useSession();
  const text = words.host;
  const { address } = host;
  return (
    <div className="facts">
      {address !== null && (
        <div className="row">
          <span className="grow">
            <span className="xs block">{text.address}</span>
            <span className="mono selectable address">{address}</span>
          </span>
          <Button kind="icon sm" aria-label={text.copy} onPress={() => void session.copy(address, text.copied, text.notCopied)}><Icon name="copy" size={15} /></Button>
        </div>
      )}
      <Fact icon="people" text={text.people(host.people)} />
      {address === null ? <Fact icon="warning" text={text.noNetwork} warn /> : <Fact icon="info" text={text.reach} />}
      {host.port_taken !== null && <Fact icon="warning" text={text.portTaken(host.port_taken)} warn />}
    </div>
  );
}

function Fact({ icon, text, warn = false }: { icon: IconName; text: string; warn?: boolean }): ReactElement {
  return <div className={warn ? "row warn" : "row"}><Icon name={icon} size={16} /><span className="grow">{text}</span></div>;
}
