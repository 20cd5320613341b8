/** What of the settings is true for the whole page: its language and direction, the size of its text, its motion. */
import { useEffect, useLayoutEffect, useSyncExternalStore } from "react";
import { useApp } from "./state/context";
import { onSpoken, speak, spoken, type Catalogue } from "./words";

/**
 * The language the window speaks. Who calls this is drawn anew when it changes, with everything it draws: nothing
 * below is kept from being drawn (no `memo`), and nothing is thrown away, so what was typed or opened stays.
 */
export function useSpoken(): Catalogue {
  return useSyncExternalStore(onSpoken, spoken);
}

/** Writes the settings into the page's root element. */
export function usePage(): void {
  const { locale, direction } = useSpoken();
  const language = useApp((state) => state.settings.language);
  const theme = useApp((state) => state.settings.theme);
  const textSize = useApp((state) => state.settings.text_size);
  const motion = useApp((state) => state.settings.motion);
  useLayoutEffect(() => {
    document.documentElement.lang = locale;
    document.documentElement.dir = direction;
  }, [locale, direction]);
  // Without an attribute the style sheet follows the system.
  useLayoutEffect(() => setData("theme", theme), [theme]);
  useLayoutEffect(() => setData("motion", motion), [motion]);
  // A share of the system's own size, which people may have changed too; every size of text is in rem.
  useLayoutEffect(() => {
    document.documentElement.style.fontSize = textSize === 100 ? "" : `${textSize}%`;
  }, [textSize]);
  useEffect(() => {
    const changed = (): void => speak(language);
    window.addEventListener("languagechange", changed);
    return () => window.removeEventListener("languagechange", changed);
  }, [language]);
}

function setData(name: "theme" | "motion", value: string): void {
  if (value === "system") delete document.documentElement.dataset[name];
  else document.documentElement.dataset[name] = value;
}
