/** The developer page: any scene in Chromium, without a native side. */
import { createRoot } from "react-dom/client";
import { App } from "../app";
import { FixtureBridge, type PictureMaker } from "../bridge/fixture";
import type { Settings } from "../bridge/commands";
import { Session } from "../state/session";
import { drawnPicture } from "./pictures";
import { press } from "./press";
import { SIZES, scenes } from "./scenes";

/** What `scripts/developer_page.mjs` asks of this page. */
interface Developer {
  scenes: { name: string; sizes: readonly string[]; keep: readonly string[] }[];
  setTheme: (theme: Settings["theme"]) => void;
}

declare global {
  var confabDeveloper: Developer | undefined;
}

/** Each picture once: nothing moves while somebody looks closely. */
function still(make: PictureMaker): PictureMaker {
  const made = new Set<string>();
  return (key, width, height, at) => {
    const name = `${key} ${width} ${height}`;
    if (made.has(name)) return null;
    const picture = make(key, width, height, at);
    if (picture !== null) made.add(name);
    return picture;
  };
}

const query = new URLSearchParams(location.search);
const scene = scenes[query.get("scene") ?? "home"];
if (scene === undefined) throw new Error(`there is no scene ${query.get("scene")}`);
const bridge = new FixtureBridge(query.has("still") ? still(drawnPicture) : drawnPicture);
bridge.settings.theme = (query.get("theme") ?? "system") as Settings["theme"];
scene.prepare?.(bridge);
const session = await Session.open(bridge);
globalThis.confabDeveloper = {
  scenes: Object.entries(scenes).map(([name, { sizes = SIZES, keep = [] }]) => ({ name, sizes, keep })),
  setTheme: (theme) => session.dispatch({ type: "settings_changed", settings: { ...session.state.settings, theme } }),
};
const root = document.getElementById("root");
if (root !== null) createRoot(root).render(<App session={session} />);
await scene.play?.(bridge, session);
for (const name of scene.press?.() ?? []) await press(name);
document.documentElement.dataset["scene"] = "ready";
