/** The developer page: any scene in Chromium, without a native side. */
import { createRoot } from "react-dom/client";
import { App } from "../app";
import { FixtureBridge } from "../bridge/fixture";
import type { Settings } from "../bridge/commands";
import { Session } from "../state/session";
import { drawnPicture } from "./pictures";
import { scenes } from "./scenes";

const query = new URLSearchParams(location.search);
const scene = scenes[query.get("scene") ?? "home"] ?? {};
const bridge = new FixtureBridge(drawnPicture);
bridge.settings.theme = (query.get("theme") ?? "system") as Settings["theme"];
scene.prepare?.(bridge);
const session = await Session.open(bridge);
const root = document.getElementById("root");
if (root !== null) createRoot(root).render(<App session={session} />);
await scene.play?.(bridge, session);
