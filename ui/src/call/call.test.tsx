import { act, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { fixtureCall, fixturePerson } from "../bridge/fixture";
import { INES, LENA, openCall, TOMAS } from "../test_app";

const tile = (name: RegExp): HTMLElement => within(screen.getByRole("list", { name: "People in the call" })).getByRole("listitem", { name });
const names = (): (string | null)[] =>
  within(screen.getByRole("list", { name: "People in the call" })).getAllByRole("listitem").map((item) => item.getAttribute("aria-label"));

describe("the stage", () => {
  it("shows everybody with their state in words, me last", async () => {
    await openCall();
    expect(names()).toEqual(["Ines Okafor", "Tomas Lindqvist, microphone off", "Lena Fischer (you)"]);
  });

  it("marks who speaks, and only them", async () => {
    const { emit } = await openCall();
    await emit({ type: "speaking", participants: [INES.id] });
    expect(tile(/Ines/).classList.contains("speaking")).toBe(true);
    expect(tile(/Tomas/).classList.contains("speaking")).toBe(false);
    await emit({ type: "speaking", participants: [] });
    expect(tile(/Ines/).classList.contains("speaking")).toBe(false);
  });

  it("shows initials for who has no picture, and no frame of the camera that is off", async () => {
    await openCall([fixturePerson(6, "Kofi Mensah", { muted: ["camera"] }), LENA]);
    const kofi = tile(/Kofi Mensah, camera off/);
    expect(within(kofi).getByText("KM")).toBeDefined();
    expect(kofi.querySelector("[data-tile]")).toBeNull();
    expect(tile(/Lena/).querySelector(`[data-tile="${LENA.id}/camera"]`)).not.toBeNull();
  });

  it("shows on every raised hand its place, the first too, once there is another", async () => {
    const first = { ...INES, hand_raised_at: 1_000 };
    const { emit } = await openCall([first, TOMAS, LENA]);
    expect(within(tile(/Ines/)).getByText("Hand raised")).toBeDefined();
    await emit({ type: "roster", participants: [first, TOMAS, { ...LENA, hand_raised_at: 2_000 }] });
    expect(within(tile(/Ines/)).getByText("Hand raised · 1")).toBeDefined();
    expect(within(tile(/Lena/)).getByText("Hand raised · 2")).toBeDefined();
  });

  it("shows who is rejoining", async () => {
    const { emit } = await openCall();
    await emit({ type: "roster", participants: [{ ...INES, connection: "rejoining" }, TOMAS, LENA] });
    expect(within(tile(/Ines Okafor, Rejoining/)).getByText("Rejoining")).toBeDefined();
  });

  it("adds who joins at the end before me, and closes the gap of who leaves", async () => {
    const { emit } = await openCall();
    await emit({ type: "roster", participants: [INES, LENA, fixturePerson(7, "Zoë Almeida")] });
    expect(names()).toEqual(["Ines Okafor", "Zoë Almeida", "Lena Fischer (you)"]);
  });

  it("opens a tile's menu by Enter, pins by it, and the pinned one comes first", async () => {
    const { user } = await openCall();
    act(() => tile(/Tomas/).focus());
    await user.keyboard("{Enter}");
    await screen.findByRole("menu", { name: "Choices for Tomas Lindqvist" });
    await waitFor(() => expect(document.activeElement?.getAttribute("role")).toBe("menuitem"));
    await user.keyboard("{Enter}");
    expect(names()[0]).toBe("Tomas Lindqvist, pinned, microphone off");
    expect(screen.queryByRole("menu")).toBeNull();
    await waitFor(() => expect(document.activeElement).toBe(tile(/Tomas/)));
  });

  it("goes between tiles by the arrows", async () => {
    const { user } = await openCall();
    act(() => tile(/Ines/).focus());
    await user.keyboard("{ArrowRight}");
    expect(document.activeElement).toBe(tile(/Tomas/));
    await user.keyboard("{ArrowLeft}{ArrowLeft}");
    expect(document.activeElement).toBe(tile(/Ines/));
  });

  it("shows the screen of who shares, with everybody beside it", async () => {
    const { emit } = await openCall();
    await emit({ type: "roster", participants: [fixturePerson(1, "Ines Okafor", { adds: ["screen"] }), TOMAS, LENA] });
    expect(screen.getByRole("img", { name: "Screen of Ines Okafor" }).querySelector(`[data-tile="${INES.id}/screen"]`)).not.toBeNull();
    expect(screen.getByText("1920 × 1080")).toBeDefined();
    expect(names()).toHaveLength(3);
  });

  it("gives the link away while one is alone", async () => {
    const { user, bridge } = await openCall([LENA]);
    await user.click(screen.getByRole("button", { name: "Copy the link" }));
    expect(bridge.copied).toEqual(["http://192.168.1.7:8003/m/kestrel-lane-2741"]);
    expect(await screen.findByText("The link is copied.")).toBeDefined();
    expect(screen.getByText(/Give the link to the others/)).toBeDefined();
  });

  it("says that a link works on this computer only, beside it and when it is copied, and what to do", async () => {
    const { user } = await openCall([LENA], (world) => { world.joined = fixtureCall([LENA], { link: "http://127.0.0.1:8003/m/kestrel-lane-2741" }); });
    expect(screen.queryByText(/Give the link to the others/)).toBeNull();
    expect(screen.getByText(/^This link works on this computer only\. To meet others, start hosting on the home screen/)).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Copy the link" }));
    expect(await screen.findByText("The link is copied, but it works on this computer only.")).toBeDefined();
    expect(screen.getByText(/^http:\/\/127\.0\.0\.1:8003\/m\/kestrel-lane-2741 To meet others/)).toBeDefined();
  });

  it("names the missing network where that is why nobody else can come", async () => {
    const { emit } = await openCall([LENA], (world) => { world.joined = fixtureCall([LENA], { link: "http://127.0.0.1:8003/m/kestrel-lane-2741" }); });
    await emit({ type: "host", host: { running: true, address: null, port_taken: null, people: 1 } });
    expect(screen.getByText("This link works on this computer only. This computer has no network now. Only you can reach it.")).toBeDefined();
  });
});

describe("the dock", () => {
  it("shows what is true now: the microphone is off when the native side says so", async () => {
    const { user, bridge, emit } = await openCall();
    await user.click(screen.getByRole("button", { name: "Microphone, on" }));
    expect(bridge.inputs("set_microphone_on")).toEqual([{ on: false }]);
    expect(screen.getByRole("button", { name: "Microphone, off" })).toBeDefined();
    expect(tile(/Lena Fischer \(you\), microphone off/)).toBeDefined();
    await emit({ type: "own_media", media: { microphone_on: true, camera_on: true, share: null, hand_raised: false } });
    expect(screen.getByRole("button", { name: "Microphone, on" })).toBeDefined();
  });

  it("stays as it was and says why when the native side refuses", async () => {
    const { user } = await openCall(undefined, (bridge) => bridge.refusals.set("set_camera_on", { code: "device_failed", message: "The camera does not answer.", field: null }));
    await user.click(screen.getByRole("button", { name: "Camera, on" }));
    expect(await screen.findByText("The camera does not answer.")).toBeDefined();
    expect(screen.getByRole("button", { name: "Camera, on" })).toBeDefined();
  });

  it("works by shortcuts", async () => {
    const { user, bridge } = await openCall();
    await user.keyboard("{Control>}d{/Control}{Control>}e{/Control}{Control>}{Shift>}h{/Shift}{/Control}");
    expect(bridge.inputs("set_microphone_on")).toEqual([{ on: false }]);
    expect(bridge.inputs("set_camera_on")).toEqual([{ on: false }]);
    expect(bridge.inputs("hand_set")).toEqual([{ raised: true }]);
    expect(screen.getByRole("button", { name: "Raise hand" }).getAttribute("aria-pressed")).toBe("true");
  });

  it("talks while Space is held, and is off again after", async () => {
    const { user, bridge, emit } = await openCall();
    await emit({ type: "own_media", media: { microphone_on: false, camera_on: true, share: null, hand_raised: false } });
    await user.keyboard("{ >}");
    expect(bridge.inputs("set_microphone_on")).toEqual([{ on: true }]);
    await user.keyboard("{/ }");
    expect(bridge.inputs("set_microphone_on")).toEqual([{ on: true }, { on: false }]);
  });

  it("chooses a window to share, says so, and stops where it was started", async () => {
    const { user, bridge } = await openCall();
    await user.click(screen.getByRole("button", { name: "Share" }));
    const dialog = await screen.findByRole("dialog", { name: "What do you want to share?" });
    await user.click(await within(dialog).findByRole("option", { name: /Reliability review/ }));
    await user.click(within(dialog).getByRole("button", { name: "Share" }));
    expect(bridge.inputs("share_start")).toEqual([{ source_id: "window-7" }]);
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(screen.getByText("You are sharing “Reliability review”")).toBeDefined();
    expect(screen.getByText("2 people see it.")).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Stop sharing" }));
    expect(screen.queryByText(/You are sharing/)).toBeNull();
  });

  it("changes the microphone in the call", async () => {
    const { user, bridge } = await openCall();
    await user.click(screen.getByRole("button", { name: "Microphone and speaker choices" }));
    await user.click(await screen.findByRole("menuitemradio", { name: /Shure MV7/ }));
    expect(bridge.inputs("choose_devices")).toMatchObject([{ devices: { microphone: { kind: "device", id: "mic-2" }, speaker: { kind: "default" } } }]);
    expect(bridge.settings.devices.microphone).toEqual({ kind: "device", id: "mic-2" });
  });

  it("tells a lost camera apart from one that is off, and says what it costs", async () => {
    const { emit, user, bridge } = await openCall();
    await emit({ type: "device_problem", kind: "camera", problem: { kind: "camera", reason: "lost", message: "It was unplugged.", device: null } });
    expect(screen.getByText("Your camera stopped.")).toBeDefined();
    expect(screen.getByText("It was unplugged. The others see your initials.")).toBeDefined();
    expect(screen.getByRole("button", { name: "No camera found" })).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(bridge.inputs("set_camera_on")).toEqual([{ on: true }]);
  });

  it("says that a device is back, and takes away what told that it was gone", async () => {
    const { emit } = await openCall();
    await emit({ type: "device_problem", kind: "camera", problem: { kind: "camera", reason: "lost", message: "It was unplugged.", device: "Brio" } });
    expect(screen.getByRole("button", { name: "Try again" })).toBeDefined();
    await emit({ type: "device_problem", kind: "microphone", problem: null });
    expect(screen.getByRole("button", { name: "Try again" })).toBeDefined();
    await emit({ type: "device_problem", kind: "camera", problem: null });
    await emit({ type: "notice", tone: "info", message: "Brio is back.", code: "device_restored", subject: "Brio" });
    expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
    expect(screen.queryByText("Your camera stopped.")).toBeNull();
    expect(screen.getByText("Brio is back and is used again.")).toBeDefined();
  });

  it("keeps the width of its share button, whichever of its names it shows", async () => {
    const { emit } = await openCall();
    const names = (): (string | undefined)[] => {
      const label = document.querySelector<HTMLElement>(".dock .steady");
      return [label?.textContent ?? undefined, label?.dataset["other"]];
    };
    expect(names()).toEqual(["Share", "Stop sharing"]);
    await emit({ type: "own_media", media: { microphone_on: true, camera_on: true, share: { source_id: "screen-1", title: "" }, hand_raised: false } });
    expect(names()).toEqual(["Stop sharing", "Share"]);
  });

  it("leaves, and says no more of the others than is true", async () => {
    const { emit } = await openCall([LENA]);
    await emit({ type: "call_phase", phase: { phase: "ended", reason: "left", message: "You left the meeting." } });
    expect(await screen.findByRole("heading", { name: "You left the call" })).toBeDefined();
    expect(screen.queryByText(/You left the meeting|The others/)).toBeNull();
  });

  it("leaves, and offers to come back", async () => {
    const { user, bridge } = await openCall();
    await user.click(screen.getByRole("button", { name: "Leave" }));
    expect(bridge.inputs("call_leave")).toHaveLength(1);
    expect(await screen.findByRole("heading", { name: "You left the call" })).toBeDefined();
    expect(screen.getByText("The others go on without you.")).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Join again" }));
    expect(await screen.findByRole("heading", { name: "Ready to join?" })).toBeDefined();
  });

  it("keeps the meeting among the recent ones", async () => {
    const { bridge } = await openCall();
    expect(bridge.settings.recent).toMatchObject([{ code: "kestrel-lane-2741", title: "Design review" }]);
  });
});

describe("a lost connection", () => {
  it("says so at once in the title bar, after a second in full, and nothing more when it is back", async () => {
    const { emit } = await openCall();
    await emit({ type: "call_phase", phase: { phase: "reconnecting", since: Date.now(), next_try_at: null, message: "" } });
    expect(screen.getByText("Offline for 0 s")).toBeDefined();
    expect(screen.queryByRole("heading", { name: "Reconnecting" })).toBeNull();
    await emit({ type: "call_phase", phase: { phase: "reconnecting", since: Date.now() - 7_000, next_try_at: Date.now() + 2_000, message: "" } });
    expect(await screen.findByRole("heading", { name: "Reconnecting" })).toBeDefined();
    expect(screen.getByText("You keep your place; nobody has to let you in again")).toBeDefined();
    expect(tile(/Lena Fischer \(you\), Not being sent/)).toBeDefined();
    expect(tile(/Ines/).classList.contains("frozen")).toBe(true);
    await emit({ type: "call_phase", phase: { phase: "joined" } });
    expect(screen.queryByText(/Offline/)).toBeNull();
    expect(tile(/Ines/).classList.contains("frozen")).toBe(false);
  });

  it("is told once, with what it costs only to who has others there", async () => {
    const { emit } = await openCall([LENA]);
    await emit({ type: "own_media", media: { microphone_on: true, camera_on: true, share: { source_id: "screen-1", title: "Whole screen" }, hand_raised: false } });
    await emit({ type: "call_phase", phase: { phase: "reconnecting", since: Date.now() - 84_000, next_try_at: null, message: "", code: "server_lost" } });
    expect(await screen.findByText("The connection to the server was lost. You have been offline for 84 seconds.")).toBeDefined();
    expect(screen.getByText("You come back by yourself when the connection does")).toBeDefined();
    expect(screen.queryByText(/Nobody else is here|The others/)).toBeNull();
    expect(screen.getByText("Nobody sees it until you are back.")).toBeDefined();
    await emit({ type: "roster", participants: [INES, LENA] });
    expect(screen.getByText(/The others cannot hear or see you right now\.$/)).toBeDefined();
  });

  it("does not promise a place that is gone", async () => {
    const { emit } = await openCall();
    await emit({ type: "call_phase", phase: { phase: "reconnecting", since: Date.now() - 20_000, next_try_at: null, message: "" } });
    expect(await screen.findByRole("heading", { name: "Reconnecting" })).toBeDefined();
    expect(screen.queryByText(/You keep your place/)).toBeNull();
  });

  it("that does not come back ends the call with its reason", async () => {
    const { emit } = await openCall();
    await emit({ type: "call_phase", phase: { phase: "ended", reason: "server_gone", message: "" } });
    expect(screen.getByRole("heading", { name: "The server is gone" })).toBeDefined();
  });
});

describe("a screen reader", () => {
  it("hears who joined, gathered, and that the connection went away at once", async () => {
    const { emit } = await openCall();
    vi.useFakeTimers();
    try {
      await emit({ type: "roster", participants: [INES, TOMAS, LENA, fixturePerson(7, "Zoë Almeida"), fixturePerson(8, "Raj Malhotra")] });
      act(() => { vi.advanceTimersByTime(3_100); });
      expect(screen.getByText("Zoë Almeida and Raj Malhotra joined")).toBeDefined();
      await emit({ type: "call_phase", phase: { phase: "reconnecting", since: Date.now(), next_try_at: null, message: "" } });
      expect(screen.getByText("You are offline. Reconnecting.").getAttribute("aria-live")).toBe("assertive");
    } finally {
      vi.useRealTimers();
    }
  });
});
