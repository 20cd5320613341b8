import type { ReactElement } from "react";
import { SectionCard } from "../../../design/SectionCard";
import { Segmented } from "../../../design/Segmented";
import { Switch } from "../../../design/Switch";
import { LAYOUTS } from "../../../state/app_state";
import { useApp, useSession } from "../../../state/context";
import { words } from "../../../words";

/** How people are shown in a call. */
export function VideoSection(): ReactElement {
  const session = useSession();
  const layout = useApp((state) => state.settings.layout);
  const hideSelf = useApp((state) => state.settings.hide_self);
  const text = words.settings.video;
  return (
    <SectionCard title={words.settings.sections.video}>
      <Segmented
        label={text.layout}
        text={text.layoutText}
        value={layout}
        options={LAYOUTS.map((value) => ({ value, label: text.layouts[value] }))}
        onChange={(value) => void session.changeSettings({ layout: value })}
      />
      <Switch label={text.hideSelf} text={text.hideSelfText} on={hideSelf} onChange={(on) => void session.changeSettings({ hide_self: on })} />
    </SectionCard>
  );
}
