import { useEffect, useRef, type ComponentType, type ReactElement } from "react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { useNarrower } from "../../call/stage/use_size";
import { Icon, type IconName } from "../../design/Icon";
import { SETTINGS_SECTIONS, type SettingsSection } from "../../state/app_state";
import { useSession } from "../../state/context";
import { words } from "../../words";
import { AboutSection } from "./sections/AboutSection";
import { AppearanceSection } from "./sections/AppearanceSection";
import { PrivacySection } from "./sections/PrivacySection";
import { ServersSection } from "./sections/ServersSection";
import { ShortcutsSection } from "./sections/ShortcutsSection";
import { SoundSection } from "./sections/SoundSection";
import { VideoSection } from "./sections/VideoSection";
import "./settings.css";

const SECTIONS: Record<SettingsSection, { icon: IconName; content: ComponentType }> = {
  sound: { icon: "mic", content: SoundSection },
  video: { icon: "camera", content: VideoSection },
  shortcuts: { icon: "keyboard", content: ShortcutsSection },
  appearance: { icon: "edit", content: AppearanceSection },
  servers: { icon: "server", content: ServersSection },
  privacy: { icon: "shield", content: PrivacySection },
  about: { icon: "info", content: AboutSection },
};

/** Below this the sections stand in a row above. */
const NARROW_WINDOW = 900;

/** The sections and the open one. Arrows go between them; the open one has the focus at first. */
export function SettingsTabs({ section }: { section: SettingsSection }): ReactElement {
  const session = useSession();
  const narrow = useNarrower(NARROW_WINDOW);
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The tabs are drawn a step after their list, and a press that led here is only over then.
    const timer = setTimeout(() => frame.current?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus(), 0);
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    // In a narrow window the row of sections is longer than the window.
    const timer = setTimeout(() => frame.current?.querySelector('[role="tab"][aria-selected="true"]')?.scrollIntoView({ block: "nearest", inline: "nearest" }), 0);
    return () => clearTimeout(timer);
  }, [section, narrow]);
  return (
    <Tabs
      ref={frame}
      className={narrow ? "settings-tabs narrow" : "settings-tabs"}
      orientation={narrow ? "horizontal" : "vertical"}
      selectedKey={section}
      onSelectionChange={(key) => {
        const next = SETTINGS_SECTIONS.find((name) => name === key);
        if (next !== undefined) session.openSettings(next);
      }}
    >
      <TabList className="settings-list" aria-label={words.settings.heading}>
        {SETTINGS_SECTIONS.map((name) => (
          <Tab key={name} id={name} className={name === section ? "nv on" : "nv"}>
            <Icon name={SECTIONS[name].icon} size={18} />
            <span className="trunc">{words.settings.sections[name]}</span>
          </Tab>
        ))}
      </TabList>
      {SETTINGS_SECTIONS.map((name) => {
        const Content = SECTIONS[name].content;
        return <TabPanel key={name} id={name} className="settings-content"><Content /></TabPanel>;
      })}
    </Tabs>
  );
}
