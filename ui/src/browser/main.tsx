/** The window as a page in a browser, without a native side. */
import { createRoot } from "react-dom/client";
import { App } from "../app";
import { BrowserBridge } from "../bridge/browser/browser_bridge";
import { Session } from "../state/session";

const root = document.getElementById("root");
if (root === null) throw new Error("browser.html has no root element");
const session = await Session.open(new BrowserBridge());
createRoot(root).render(<App session={session} />);
