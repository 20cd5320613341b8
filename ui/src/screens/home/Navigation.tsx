import type { ReactElement } from "react";
import { Button } from "react-aria-components";
import { Avatar } from "../../design/Avatar";
import { Icon, Mark } from "../../design/Icon";
import { useApp } from "../../state/context";
import { words } from "../../words";

/** The rail at the left: where one is, the settings, and who one is here. */
export function Navigation({ onSettings }: { onSettings: () => void }): ReactElement {
  const name = useApp((state) => state.settings.name);
  const version = useApp((state) => state.info.version);
  return (
    <nav className="nav" aria-label={words.home.navigation}>
      <div className="brand"><Mark size={24} /><b>{words.product}</b></div>
      <span className="nv on" aria-current="page"><Icon name="home" size={19} /><span className="grow">{words.home.home}</span></span>
      <span className="grow" />
      <Button className="nv" onPress={onSettings}><Icon name="settings" size={19} /><span>{words.home.settings}</span></Button>
      <div className="me">
        <Avatar id={name === "" ? "me" : name} name={name} />
        <span className="grow">
          <b className="strong trunc block">{name === "" ? words.home.noName : name}</b>
          <span className="xs dim num">{words.home.version(version)}</span>
        </span>
      </div>
    </nav>
  );
}
