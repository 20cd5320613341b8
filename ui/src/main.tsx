import { createRoot } from "react-dom/client";
import { App } from "./app";
import { openNativeBridge } from "./bridge/native";
import { Session } from "./state/session";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no root element");
const session = await Session.open(await openNativeBridge());
createRoot(root).render(<App session={session} />);
