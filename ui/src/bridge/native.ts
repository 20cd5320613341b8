/** The only file that touches the Tauri API. */
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { getCurrentWindow } from "@tauri-apps/api/window";
import type { Bridge, FrameChannel, WindowAction } from "./bridge";
import { copyText } from "./clipboard";
import { EVENT_CHANNEL, type BridgeEvent, type CommandAnswer, type CommandArguments, type CommandName } from "./commands";
import { FrameSocket } from "./frame_socket";

/** The bridge of the desktop window. Resolves once events are heard, so that none is missed. */
export async function openNativeBridge(): Promise<Bridge> {
  const listeners = new Set<(event: BridgeEvent) => void>();
  // What comes before anybody listens is kept for the first who does.
  let early: BridgeEvent[] = [];
  await listen<BridgeEvent>(EVENT_CHANNEL, ({ payload }) => {
    if (listeners.size === 0) early.push(payload);
    for (const listener of listeners) listener(payload);
  });
  const call = <Name extends CommandName>(name: Name, input: CommandArguments<Name>): Promise<CommandAnswer<Name>> =>
    invoke<CommandAnswer<Name>>(name, { ...input });
  return {
    call,
    subscribe(listener) {
      listeners.add(listener);
      const missed = early;
      early = [];
      queueMicrotask(() => missed.forEach(listener));
      return () => listeners.delete(listener);
    },
    openFrames(onFrame, onNews): FrameChannel {
      return new FrameSocket(async () => (await call("frame_socket", {})).url, onFrame, onNews);
    },
    copyText,
    windowAction,
  };
}

async function windowAction(action: WindowAction): Promise<void> {
  const window = getCurrentWindow();
  if (action === "minimize") await window.minimize();
  else if (action === "toggle_maximize") await window.toggleMaximize();
  else await window.close();
}
