import type { ReactElement } from "react";
import type { Language, Settings } from "../../../bridge/commands";
import { SectionCard } from "../../../design/SectionCard";
import { Segmented } from "../../../design/Segmented";
import { Switch } from "../../../design/Switch";
import { useApp, useIsDesktop, useSession } from "../../../state/context";
import { words } from "../../../words";

const THEMES: readonly Settings["theme"][] = ["system", "light", "dark", "hc"];
const LANGUAGES: readonly Language[] = ["system", "en", "de"];
const TEXT_SIZES = ["100", "125", "150", "200"] as const;
const MOTIONS: readonly Settings["motion"][] = ["system", "reduced"];
const ANNOUNCEMENTS: readonly Settings["announcements"][] = ["all", "few"];

/** How the window looks and speaks. Everything holds at once. */
export function AppearanceSection(): ReactElement {
  const session = useSession();
  const settings = useApp((state) => state.settings);
  const desktop = useIsDesktop();
  const text = words.settings.appearance;
  const change = (part: Partial<Settings>): void => void session.changeSettings(part);
  const size = TEXT_SIZES.find((value) => Number(value) === settings.text_size) ?? "100";
  return (
    <SectionCard title={words.settings.sections.appearance}>
      <Segmented
        label={words.settings.theme}
        value={settings.theme}
        options={THEMES.map((value) => ({ value, label: words.settings.themes[value] }))}
        onChange={(theme) => change({ theme })}
      />
      <Segmented
        label={text.language}
        value={settings.language}
        options={LANGUAGES.map((value) => ({ value, label: text.languages[value] }))}
        onChange={(language) => change({ language })}
      />
      <Segmented
        label={text.textSize}
        value={size}
        options={TEXT_SIZES.map((value) => ({ value, label: text.textSizeOf(Number(value)) }))}
        onChange={(value) => change({ text_size: Number(value) })}
      />
      <Segmented
        label={text.motion}
        text={text.motionText}
        value={settings.motion}
        options={MOTIONS.map((value) => ({ value, label: text.motions[value] }))}
        onChange={(motion) => change({ motion })}
      />
      <Segmented
        label={text.announcements}
        text={text.announcementsText}
        value={settings.announcements}
        options={ANNOUNCEMENTS.map((value) => ({ value, label: text.announcementChoices[value] }))}
        onChange={(announcements) => change({ announcements })}
      />
      {desktop && <Switch label={text.onTop} text={text.onTopText} on={settings.always_on_top} onChange={(on) => change({ always_on_top: on })} />}
    </SectionCard>
  );
}
