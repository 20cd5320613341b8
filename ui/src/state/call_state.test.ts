import { describe, expect, it } from "vitest";
import { fixtureCall, fixtureMessage, fixturePerson, FIXTURE_ME } from "../bridge/fixture";
import { joinCall, mergeMessages, reduceCall, type CallState } from "./call_state";

const INES = fixturePerson(1, "Ines Okafor");
const LENA = fixturePerson(5, "Lena Fischer");
const join = (chat = [] as ReturnType<typeof fixtureMessage>[]): CallState => joinCall(fixtureCall([INES, LENA], { chat }), null);

describe("a call", () => {
  it("begins with what the join said", () => {
    const call = join([fixtureMessage(1, INES, "Hello")]);
    expect(call.phase).toEqual({ phase: "joined" });
    expect(call.chatState.messages).toHaveLength(1);
    expect(call.chatState.unread).toBe(0);
    expect(call.panel).toBeNull();
  });

  it("keeps the pin only while the person is there", () => {
    let call = reduceCall(join(), { type: "pin_toggled", participant: INES.id });
    expect(call.pinned).toBe(INES.id);
    call = reduceCall(call, { type: "roster", participants: [LENA] });
    expect(call.pinned).toBeNull();
  });

  it("forgets who speaks while the connection is away", () => {
    let call = reduceCall(join(), { type: "speaking", participants: [INES.id] });
    call = reduceCall(call, { type: "call_phase", phase: { phase: "reconnecting", since: 1, next_try_at: null, message: "" } });
    expect(call.speaking).toEqual([]);
  });

  it("does not change when the same people go on speaking", () => {
    const call = reduceCall(join(), { type: "speaking", participants: [INES.id] });
    expect(reduceCall(call, { type: "speaking", participants: [INES.id] })).toBe(call);
  });

  it("joined anew keeps panel, pin and what was written", () => {
    let call = reduceCall(join([fixtureMessage(1, INES, "Hello")]), { type: "panel_toggled", panel: "chat" });
    call = reduceCall(call, { type: "message_written", content: "Waits" });
    const again = joinCall(fixtureCall([INES, LENA], { chat: [fixtureMessage(1, INES, "Hello"), fixtureMessage(2, INES, "Missed")] }), call);
    expect(again.panel).toBe("chat");
    expect(again.chatState.messages.map(({ content }) => content)).toEqual(["Hello", "Missed"]);
    expect(again.chatState.pending).toHaveLength(1);
  });
});

describe("shares", () => {
  const sharing = (number: number): ReturnType<typeof fixturePerson> => fixturePerson(number, `Person ${number}`, { adds: ["screen"] });

  it("are known newest first, in the order in which they began and not in that of joining", () => {
    let call = reduceCall(join(), { type: "roster", participants: [INES, sharing(2), LENA] });
    call = reduceCall(call, { type: "roster", participants: [sharing(1), sharing(2), LENA] });
    expect(call.shares).toEqual([INES.id, sharing(2).id]);
    call = reduceCall(call, { type: "roster", participants: [INES, sharing(2), LENA] });
    expect(call.shares).toEqual([sharing(2).id]);
  });

  it("do not count my own", () => {
    expect(reduceCall(join(), { type: "roster", participants: [INES, sharing(5)] }).shares).toEqual([]);
  });

  it("chosen to be large stay so until they end", () => {
    let call = reduceCall(join(), { type: "roster", participants: [sharing(1), LENA] });
    call = reduceCall(call, { type: "share_chosen", participant: INES.id });
    call = reduceCall(call, { type: "roster", participants: [sharing(1), sharing(2), LENA] });
    expect(call.largeShare).toBe(INES.id);
    expect(reduceCall(call, { type: "roster", participants: [INES, sharing(2), LENA] }).largeShare).toBeNull();
  });
});

describe("reactions", () => {
  const clap = (participant: string): { type: "reaction"; participant: string; reaction: "clap" } => ({ type: "reaction", participant, reaction: "clap" });

  it("carry the time they came, and old ones go with the next", () => {
    let call = reduceCall(join(), clap(INES.id), 1_000);
    expect(call.reactions).toEqual([{ participant: INES.id, reaction: "clap", at: 1_000 }]);
    call = reduceCall(call, clap(LENA.id), 6_000);
    expect(call.reactions.map(({ participant }) => participant)).toEqual([LENA.id]);
  });

  it("of one person replace each other", () => {
    let call = reduceCall(join(), clap(INES.id), 1_000);
    call = reduceCall(call, { type: "reaction", participant: INES.id, reaction: "heart" }, 2_000);
    expect(call.reactions).toEqual([{ participant: INES.id, reaction: "heart", at: 2_000 }]);
  });
});

describe("the quality of connections", () => {
  it("is known of those who are not well, and forgotten when they are", () => {
    let call = reduceCall(join(), { type: "quality", people: [{ participant: INES.id, quality: "weak" }, { participant: LENA.id, quality: "good" }] });
    expect(call.quality).toEqual([{ participant: INES.id, quality: "weak" }]);
    call = reduceCall(call, { type: "quality", people: [] });
    expect(call.quality).toEqual([]);
    expect(reduceCall(call, { type: "quality", people: [] })).toBe(call);
  });
});

describe("chat", () => {
  it("counts what comes while its panel is closed, and stops when it is opened", () => {
    let call = reduceCall(join(), { type: "chat", message: fixtureMessage(1, INES, "One") });
    call = reduceCall(call, { type: "chat", message: fixtureMessage(2, INES, "Two") });
    expect(call.chatState.unread).toBe(2);
    call = reduceCall(call, { type: "panel_toggled", panel: "chat" });
    expect(call.chatState.unread).toBe(0);
    call = reduceCall(call, { type: "chat", message: fixtureMessage(3, INES, "Three") });
    expect(call.chatState.unread).toBe(0);
  });

  it("does not count my own messages", () => {
    expect(reduceCall(join(), { type: "chat", message: fixtureMessage(1, LENA, "Mine") }).chatState.unread).toBe(0);
  });

  it("takes a message that comes twice once", () => {
    const message = fixtureMessage(1, INES, "One");
    const call = reduceCall(join([message]), { type: "chat", message });
    expect(call.chatState.messages).toHaveLength(1);
    expect(call.chatState.unread).toBe(0);
  });

  it("orders by the server's ids whatever the order of arrival", () => {
    const late = fixtureMessage(1, INES, "First");
    const call = reduceCall(join([fixtureMessage(2, INES, "Second")]), { type: "chat", message: late });
    expect(call.chatState.messages.map(({ content }) => content)).toEqual(["First", "Second"]);
  });

  it("holds my message until it comes back, and then once", () => {
    let call = reduceCall(join(), { type: "message_written", content: "Hello" });
    call = reduceCall(call, { type: "message_written", content: "Hello" });
    expect(call.chatState.pending).toHaveLength(2);
    call = reduceCall(call, { type: "chat", message: fixtureMessage(1, LENA, "Hello") });
    expect(call.chatState.pending.map(({ local }) => local)).toEqual([2]);
    expect(call.chatState.messages).toHaveLength(1);
  });

  it("keeps another person's same words apart from mine", () => {
    const written = reduceCall(join(), { type: "message_written", content: "Hello" });
    const call = reduceCall(written, { type: "chat", message: fixtureMessage(1, INES, "Hello") });
    expect(call.chatState.pending).toHaveLength(1);
  });

  it("says why a message was refused, and forgets it when it is sent again", () => {
    let call = reduceCall(join(), { type: "message_written", content: "Hello" });
    call = reduceCall(call, { type: "message_refused", local: 1, reason: "Too fast." });
    expect(call.chatState.pending[0]?.refused).toBe("Too fast.");
    call = reduceCall(call, { type: "message_retried", local: 1 });
    expect(call.chatState.pending[0]?.refused).toBeNull();
  });

  it("refused later by the server is told by its words", () => {
    const written = reduceCall(join(), { type: "message_written", content: "Hello" });
    const call = reduceCall(written, { type: "chat_refused", content: "Hello", reason: "Too long." });
    expect(call.chatState.pending[0]?.refused).toBe("Too long.");
    expect(reduceCall(call, { type: "chat_refused", content: "Hello", reason: "Again." })).toBe(call);
  });

  it("puts older messages in front, and knows when there are no more", () => {
    let call = reduceCall(join([fixtureMessage(9, INES, "New")]), { type: "older_requested" });
    expect(call.chatState.older).toBe("loading");
    call = reduceCall(call, { type: "older_came", messages: [fixtureMessage(3, INES, "Old")], more: false });
    expect(call.chatState.messages.map(({ content }) => content)).toEqual(["Old", "New"]);
    expect(call.chatState.older).toBe("none");
  });

  it("merges nothing new into the very same list", () => {
    const known = [fixtureMessage(1, INES, "One")];
    expect(mergeMessages(known, known)).toBe(known);
  });
});

it("the fixture's own id is that of its own person", () => expect(LENA.id).toBe(FIXTURE_ME));
