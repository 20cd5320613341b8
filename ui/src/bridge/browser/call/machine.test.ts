import { describe, expect, it } from "vitest";
import { words } from "../../../words";
import { fixturePerson } from "../../fixture";
import { chatMessage, CODE, INES, ME, OtherSide } from "./other_side.test_support";

const CAMERA = { width: 1280, height: 720 };

describe("joining", () => {
  it("opens a socket, offers, and is in once the server has answered", () => {
    const side = new OtherSide();
    expect(side.look()).toEqual([{ type: "open", socket: 1 }]);
    side.greet(1);
    expect(side.look()).toEqual([{ type: "offer", offer: 1, fresh: true }]);
    side.offer();
    expect(side.sent()).toEqual([
      { event_type: "call.join", request: 1, version: 1, code: CODE, name: "Lena", token: null, offer: "v=0 offer", tracks: [{ mid: "0", source: "microphone", layers: [] }] },
    ]);
    side.look();
    side.letIn(1);
    const outputs = side.look();
    expect(outputs.map(({ type }) => type)).toEqual(["slots", "answer", "event", "event", "entered", "event"]);
    expect(side.events(outputs)[0]).toMatchObject({ type: "call_joined", call: { me: ME.id, code: CODE, title: "Review", participants: [ME, INES] } });
    expect(side.phase).toEqual({ phase: "connecting" });
    side.answered();
    expect(side.phase).toEqual({ phase: "joined" });
  });

  it("does not offer the right to share, which a page has no way to use", () => {
    const side = OtherSide.joined();
    expect(side.events().find(({ type }) => type === "call_joined")).toMatchObject({ call: { grants: { share_screen: false, chat: true } } });
  });

  it("a meeting that is to be made makes it first, and comes as its host", () => {
    const side = new OtherSide({ title: "Review" });
    side.greet(1);
    expect(side.lastOf("meeting.create")).toMatchObject({ request: 1, name: "Review", host_key: null });
    side.say(1, { event_type: "meeting.created", request: 1, code: CODE, link: "", token: "host-token" });
    side.offer();
    expect(side.lastOf("call.join")).toMatchObject({ code: CODE, token: "host-token" });
  });

  it("that finds no server ends with the reason, and nothing is tried again", () => {
    const side = new OtherSide();
    side.feed({ type: "socket_closed", socket: 1 });
    expect(side.look().slice(1)).toEqual([
      { type: "not_entered", error: { code: "server_unreachable", message: words.browser.trouble.unreachable, field: null } },
      { type: "over" },
    ]);
    side.pass(60_000);
    expect(side.look()).toEqual([]);
  });

  it("that a server does not answer ends after a while", () => {
    const silent = new OtherSide();
    silent.pass(6_000);
    expect(silent.look()).toContainEqual({ type: "not_entered", error: { code: "server_unreachable", message: words.browser.trouble.no_answer, field: null } });
    const slow = new OtherSide();
    slow.greet(1);
    slow.offer();
    slow.pass(9_000);
    expect(slow.look().some(({ type }) => type === "not_entered")).toBe(false);
    slow.pass(1_000);
    expect(slow.look()).toContainEqual({ type: "close", socket: 1 });
  });

  it("that is refused says so with the server's code", () => {
    for (const [meeting, code] of [[{ code: CODE }, "room_not_found"], [{ title: "" }, "host_key_required"]] as const) {
      const side = new OtherSide(meeting);
      side.greet(1);
      if ("code" in meeting) side.offer();
      side.refuse(1, code);
      expect(side.look()).toContainEqual({ type: "not_entered", error: { code, message: `refused: ${code}`, field: null } });
    }
  });

  it("is over at once when the browser can make no connection, or the person leaves", () => {
    const without = new OtherSide();
    without.greet(1);
    without.feed({ type: "offer_failed", offer: 1 });
    expect(without.look()).toContainEqual({ type: "not_entered", error: { code: "media_failed", message: words.browser.trouble.no_peer, field: null } });
    const left = new OtherSide();
    left.greet(1);
    left.feed({ type: "leave" });
    expect(left.look().at(-1)).toEqual({ type: "over" });
  });
});

describe("in a call", () => {
  it("the list of people is always whole, in the order of joining", () => {
    const side = OtherSide.joined();
    const raj = fixturePerson(7, "Raj");
    side.say(1, { event_type: "call.participant_joined", participant: raj });
    side.say(1, { event_type: "call.participant_updated", participant: { ...INES, hand_raised_at: 7 } });
    side.say(1, { event_type: "call.participant_left", participant_id: raj.id, reason: "left" });
    const rosters = side.events(side.look()).flatMap((event) => (event.type === "roster" ? [event.participants.map(({ name }) => name)] : []));
    expect(rosters).toEqual([["Lena", "Ines", "Raj"], ["Lena", "Ines", "Raj"], ["Lena", "Ines"]]);
  });

  it("who speaks, reacts and has a weak line is passed on", () => {
    const side = OtherSide.joined();
    side.say(1, { event_type: "call.speaking", participants: [INES.id] });
    side.say(1, { event_type: "call.reaction", participant_id: INES.id, reaction: "clap" });
    side.say(1, { event_type: "call.quality", people: [{ participant: INES.id, quality: "weak" }] });
    expect(side.events(side.look())).toEqual([
      { type: "speaking", participants: [INES.id] },
      { type: "reaction", participant: INES.id, reaction: "clap" },
      { type: "quality", people: [{ participant: INES.id, quality: "weak" }] },
    ]);
  });

  it("own devices are told as they truly are, and the server hears of every change once", () => {
    const side = OtherSide.joined();
    side.feed({ type: "local", media: { microphone: true, muted: false, camera: null } });
    side.feed({ type: "local", media: { microphone: true, muted: true, camera: CAMERA } });
    side.feed({ type: "local", media: { microphone: true, muted: true, camera: CAMERA } });
    side.feed({ type: "local", media: { microphone: false, muted: true, camera: null } });
    const outputs = side.look();
    expect(side.sent(outputs)).toEqual([
      { event_type: "call.publish", source: "microphone", muted: false, width: 0, height: 0 },
      { event_type: "call.mute", source: "microphone", muted: true },
      { event_type: "call.publish", source: "camera", muted: false, ...CAMERA },
      { event_type: "call.unpublish", source: "microphone" },
      { event_type: "call.unpublish", source: "camera" },
    ]);
    const told = side.events(outputs).map((event) => (event.type === "own_media" ? [event.media.microphone_on, event.media.camera_on] : event.type));
    expect(told).toEqual([[true, false], [false, true], [false, false]]);
  });

  it("devices that were open before the answer came are published then", () => {
    const side = new OtherSide();
    side.feed({ type: "local", media: { microphone: true, muted: true, camera: CAMERA } });
    side.greet(1);
    side.offer();
    side.letIn(1);
    expect(side.events().at(-2)).toEqual({ type: "own_media", media: { microphone_on: false, camera_on: true, share: null, hand_raised: false } });
    side.look();
    side.answered();
    expect(side.sent(side.look())).toEqual([
      { event_type: "call.publish", source: "microphone", muted: true, width: 0, height: 0 },
      { event_type: "call.publish", source: "camera", muted: false, ...CAMERA },
    ]);
  });

  it("the own hand is up once the server says so", () => {
    const side = OtherSide.joined();
    side.feed({ type: "hand", raised: true });
    expect(side.sent(side.look())).toEqual([{ event_type: "call.hand", raised: true }]);
    side.say(1, { event_type: "call.participant_updated", participant: { ...ME, hand_raised_at: 5 } });
    expect(side.events(side.look())).toContainEqual({ type: "own_media", media: { microphone_on: false, camera_on: false, share: null, hand_raised: true } });
  });

  it("the view goes out when it changes, without oneself and with no more than the server takes", () => {
    const side = OtherSide.joined();
    const tile = (participant: string) => ({ participant, source: "camera" as const, width: 320, height: 180, priority: 1, pinned: false });
    const tiles = [tile(ME.id), tile(INES.id), tile("b"), tile("c")];
    side.feed({ type: "view", tiles });
    side.feed({ type: "view", tiles });
    expect(side.sent(side.look())).toEqual([{ event_type: "call.view", tiles: [tile(INES.id), tile("b")] }]);
  });

  it("a message is in the chat when its echo comes, once", () => {
    const side = OtherSide.joined();
    side.feed({ type: "say", content: "Hello" });
    const { request } = side.lastOf("chat.message");
    const echo = chatMessage(1, ME, "Hello");
    side.say(1, { event_type: "chat.message", request, ...echo });
    side.say(1, { event_type: "chat.message", ...echo });
    expect(side.events(side.look())).toEqual([{ type: "chat", message: echo }]);
  });

  it("a message that is refused, or longer than the server takes, comes back with the reason", () => {
    const side = OtherSide.joined();
    side.feed({ type: "say", content: "x".repeat(21) });
    side.feed({ type: "say", content: "Hello" });
    side.refuse(side.lastOf("chat.message").request, "not_allowed");
    side.feed({ type: "say", content: "  " });
    expect(side.events(side.look())).toEqual([
      { type: "chat_refused", content: "x".repeat(21), reason: words.chat.tooLong(20) },
      { type: "chat_refused", content: "Hello", reason: "refused: not_allowed", code: "not_allowed" },
    ]);
  });

  it("older messages come as a page, or not at all", () => {
    const side = OtherSide.joined();
    side.feed({ type: "older", ask: 1, before: "m" });
    const asked = side.lastOf("chat.history");
    expect(asked).toMatchObject({ before: "m", limit: null });
    const messages = [chatMessage(1, INES, "Before")];
    side.say(1, { event_type: "chat.history", request: asked.request, messages, more: true });
    side.feed({ type: "older", ask: 2, before: null });
    side.pass(10_000);
    const answers = side.look().filter(({ type }) => type === "older");
    expect(answers).toEqual([{ type: "older", ask: 1, page: { messages, more: true } }, { type: "older", ask: 2, page: null }]);
    expect(side.deadline).toBeNull();
  });

  it("what the server refuses without a request is told in a notice", () => {
    const side = OtherSide.joined();
    side.refuse(null, "rate_limited");
    expect(side.events(side.look())).toEqual([{ type: "notice", tone: "warn", message: "refused: rate_limited", code: "rate_limited" }]);
  });

  it("leaving tells the server, then ends everything", () => {
    const side = OtherSide.joined();
    side.feed({ type: "leave" });
    expect(side.look()).toEqual([
      { type: "send", socket: 1, message: { event_type: "call.leave" } },
      { type: "event", event: { type: "call_phase", phase: { phase: "ended", reason: "left", message: "" } } },
      { type: "close", socket: 1 },
      { type: "over" },
    ]);
    side.feed({ type: "say", content: "too late" });
    expect(side.look()).toEqual([]);
  });
});
