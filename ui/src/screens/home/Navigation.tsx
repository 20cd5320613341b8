import type { ReactElement } from "react";
import { Button } from "react-aria-components";
import { Avatar } from "../../design/Avatar";
import { Icon, Mark } from "../../design/Icon";
import { useApp, useSession } from "../../state/context";
import { words } from "../../words";

/** The rail at the left: where one is, the settings, and who one is here. */
export function Navigation({ current }: { current: "home" | "settings" }): ReactElement {
  const session = useSession();
  const name = useApp((state) => state.settings.name);
  const version = useApp((state) => state.info.version);
  const shown = name === "" ? words.home.noName : name;
  return (
    <nav className="nav" aria-label={words.home.navigation}>
      <div className="brand"><Mark size={24} /><b>{words.product}</b></div>
      {current === "home" ? (
        <span className="nv on" aria-current="page"><Icon name="home" size={19} /><span className="grow">{words.home.home}</span></span>
      ) : (
        <Button className="nv" aria-label={words.home.home} onPress={() => session.closeSettings()}><Icon name="home" size={19} /><span className="grow">{words.home.home}</span></Button>
      )}
      <span className="grow" />
      {current === "settings" ? (
        <span className="nv on" aria-current="page"><Icon name="settings" size={19} /><span>{words.home.settings}</span></span>
      ) : (
        <Button className="nv" data-opener="settings" aria-label={words.home.settings} onPress={() => session.openSettings()}><Icon name="settings" size={19} /><span>{words.home.settings}</span></Button>
      )}
      <Button className="me" data-opener="me" onPress={() => session.openSettings("privacy", "me")}>
        <Avatar id={name === "" ? "me" : name} name={name} />
        <span className="grow">
          <span className="visually-hidden">{`${words.settings.name}: `}</span>
          <b className={name === "" ? "strong block" : "strong trunc block"}>{shown}</b>
          <span className="xs dim num">{words.home.version(version)}</span>
        </span>
      </Button>
    </nav>
  );
}
