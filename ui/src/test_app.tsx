/** Puts the whole window on a made-up native side, for tests of what a person sees and does. */
import { act, render, screen } from "@testing-library/react";
import userEvent, { type UserEvent } from "@testing-library/user-event";
import { vi } from "vitest";
import { App } from "./app";
import { FixtureBridge, fixtureCall, fixturePerson } from "./bridge/fixture";
import type { BridgeEvent } from "./bridge/commands";
import type { ParticipantInfo } from "./bridge/protocol.generated";
import { Session } from "./state/session";

export const INES = fixturePerson(1, "Ines Okafor", { role: "co_host" });
export const TOMAS = fixturePerson(2, "Tomas Lindqvist", { muted: ["microphone"] });
export const LENA = fixturePerson(5, "Lena Fischer", { role: "host" });

export interface TestWindow {
  bridge: FixtureBridge;
  session: Session;
  user: UserEvent;
  emit: (event: BridgeEvent) => Promise<void>;
}

/** Opens the window at its home screen. `prepare` changes the world before. */
export async function openWindow(prepare?: (bridge: FixtureBridge) => void): Promise<TestWindow> {
  // No page is laid out here: every element is as large as a call's stage in a window of 1280 x 720.
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(1256);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(596);
  const bridge = new FixtureBridge();
  prepare?.(bridge);
  const session = await Session.open(bridge);
  render(<App session={session} />);
  const emit = (event: BridgeEvent): Promise<void> => act(async () => bridge.emit(event));
  return { bridge, session, user: userEvent.setup(), emit };
}

/** Opens the window in a call with these people. */
export async function openCall(people: ParticipantInfo[] = [INES, TOMAS, LENA], prepare?: (bridge: FixtureBridge) => void): Promise<TestWindow> {
  const opened = await openWindow((bridge) => {
    bridge.joined = fixtureCall(people);
    prepare?.(bridge);
  });
  await act(async () => {
    opened.session.openPreview({ kind: "start", title: "Design review" });
    await opened.session.enter();
  });
  await screen.findByRole("toolbar", { name: "Call controls" });
  return opened;
}
