import type { ReactElement } from "react";
import { Button } from "../../design/controls";
import { Icon } from "../../design/Icon";
import { useApp, useIsDesktop } from "../../state/context";
import { words } from "../../words";

/** Which server new meetings are made on. */
export function ServerCard({ onChange }: { onChange: () => void }): ReactElement {
  const server = useApp((state) => state.settings.server);
  const own = useIsDesktop() ? words.home.serverLocal : words.browser.pageServer;
  return (
    <section className="card server-card" aria-labelledby="server-heading">
      <span className="hic"><Icon name="server" size={21} /></span>
      <div className="grow">
        <h2 className="strong" id="server-heading">{words.home.serverHeading}</h2>
        <p className="muted">{words.home.serverText}</p>
        <p className="server-line">
          <span className={server === "" ? "" : "mono"}>{server === "" ? own : server}</span>
        </p>
      </div>
      <Button kind="sm" data-opener="server" onPress={onChange}>{words.home.serverChange}</Button>
    </section>
  );
}
