import { describe, expect, it } from "vitest";
import { words } from "../../../words";
import { chatMessage, INES, ME, OtherSide } from "./other_side.test_support";

/** Opens the next socket, lets it greet and makes the offer; gives what was sent over it. */
function comeBack(side: OtherSide): ReturnType<OtherSide["sent"]> {
  const socket = side.nextSocket();
  side.look();
  side.greet(socket);
  side.offer();
  return side.sent(side.look());
}

describe("when the path is down", () => {
  it("ICE is restarted over the living socket, and the person is told", () => {
    const side = OtherSide.joined();
    side.feed({ type: "path", state: "down" });
    expect(side.phase).toMatchObject({ phase: "reconnecting", since: side.now, message: words.reconnecting.why.network_down, code: "network_down" });
    expect(side.look()).toContainEqual({ type: "offer", offer: 2, fresh: false });
    side.offer();
    const { request } = side.lastOf("call.restart");
    side.say(1, { event_type: "call.restarted", request, answer: "v=0 restarted" });
    expect(side.look()).toContainEqual({ type: "answer", offer: 2, sdp: "v=0 restarted", relay: null });
    side.answered();
    side.feed({ type: "path", state: "up" });
    expect(side.phase).toEqual({ phase: "joined" });
    expect(side.deadline).toBeNull();
  });

  it("a restart that brings nothing is repeated", () => {
    const side = OtherSide.joined();
    side.feed({ type: "path", state: "down" });
    side.offer();
    side.say(1, { event_type: "call.restarted", request: side.lastOf("call.restart").request, answer: "" });
    side.answered();
    side.look();
    side.pass(3_000);
    expect(side.look()).toContainEqual({ type: "offer", offer: 3, fresh: false });
  });

  it("a restart that is not answered makes the socket suspect, and another is tried beside it", () => {
    const side = OtherSide.joined();
    side.feed({ type: "path", state: "down" });
    side.offer();
    side.pass(2_300);
    expect(side.opened).toEqual([1, 2]);
    expect(side.look()).not.toContainEqual({ type: "close", socket: 1 });
  });

  it("a refused restart, or a connection of no use, leads to a full join with the same token", () => {
    for (const fail of [
      (side: OtherSide) => { side.feed({ type: "path", state: "down" }); side.offer(); side.refuse(side.lastOf("call.restart").request, "sdp_invalid"); },
      (side: OtherSide) => side.feed({ type: "path", state: "gone" }),
    ]) {
      const side = OtherSide.joined();
      fail(side);
      expect(comeBack(side)).toMatchObject([{ event_type: "call.join", token: "token-1" }]);
      expect(side.outputs.filter(({ type }) => type === "offer").at(-1)).toMatchObject({ fresh: true });
      side.letIn(2);
      side.answered();
      side.feed({ type: "path", state: "up" });
      expect(side.phase).toEqual({ phase: "joined" });
      expect(side.look()).toContainEqual({ type: "close", socket: 1 });
    }
  });
});

describe("when the socket is gone", () => {
  it("a new one resumes with the newest token, and everything set meanwhile is said again", () => {
    const side = OtherSide.joined();
    side.feed({ type: "local", media: { microphone: true, muted: false, camera: null } });
    side.feed({ type: "socket_closed", socket: 1 });
    side.feed({ type: "hand", raised: true });
    side.feed({ type: "local", media: { microphone: true, muted: true, camera: null } });
    side.feed({ type: "say", content: "written offline" });
    expect(side.phase).toMatchObject({ phase: "reconnecting", message: words.reconnecting.why.server_lost, code: "server_lost" });
    expect(comeBack(side)).toMatchObject([{ event_type: "call.resume", token: "token-1" }]);
    side.letIn(2, { token: "token-2" });
    // Joined again, but the path has not been heard of.
    expect(side.phase).toMatchObject({ phase: "reconnecting" });
    side.look();
    side.answered();
    expect(side.sent(side.look())).toMatchObject([
      { event_type: "call.publish", source: "microphone", muted: true },
      { event_type: "call.hand", raised: true },
      { event_type: "chat.message", content: "written offline" },
    ]);
    side.feed({ type: "path", state: "up" });
    expect(side.phase).toEqual({ phase: "joined" });
    side.feed({ type: "socket_closed", socket: 2 });
    expect(comeBack(side)).toMatchObject([{ event_type: "call.resume", token: "token-2" }]);
  });

  it("what stopped meanwhile and is still listed is taken back", () => {
    const side = OtherSide.joined();
    side.feed({ type: "socket_closed", socket: 1 });
    comeBack(side);
    const listed = { ...ME, tracks: [{ source: "camera" as const, muted: false, width: 640, height: 360 }] };
    side.letIn(2, { participants: [listed, INES] });
    side.answered();
    expect(side.sent(side.look())).toEqual([{ event_type: "call.unpublish", source: "camera" }]);
  });

  it("a line whose echo was lost is found in the history and not sent twice", () => {
    const side = OtherSide.joined([chatMessage(1, ME, "yes")]);
    for (const content of ["yes", "no"]) side.feed({ type: "say", content });
    side.feed({ type: "socket_closed", socket: 1 });
    comeBack(side);
    side.letIn(2, { chat: [chatMessage(1, ME, "yes"), chatMessage(2, ME, "yes"), chatMessage(3, INES, "no")] });
    side.answered();
    expect(side.sent(side.look()).map((message) => ("content" in message ? message.content : ""))).toEqual(["no"]);
  });

  it("a session that is gone is joined anew on the same socket", () => {
    const side = OtherSide.joined();
    side.feed({ type: "socket_closed", socket: 1 });
    comeBack(side);
    side.refuse(side.lastOf("call.resume").request, "session_gone", 2);
    expect(side.look()).toContainEqual({ type: "offer", offer: 3, fresh: true });
    side.offer();
    expect(side.lastOf("call.join")).toMatchObject({ token: "token-1" });
  });

  it("attempts go on, never more than three seconds apart, and the next one is told", () => {
    const side = OtherSide.joined();
    side.feed({ type: "socket_closed", socket: 1 });
    for (let attempt = 2; attempt < 12; attempt += 1) {
      expect(side.phase).toMatchObject({ phase: "reconnecting", next_try_at: expect.any(Number) });
      expect(side.nextSocket()).toBe(attempt);
      expect(side.phase).toMatchObject({ phase: "reconnecting", next_try_at: null });
      side.feed({ type: "socket_closed", socket: attempt });
    }
  });

  it("the person need not wait for the next try", () => {
    const side = OtherSide.joined();
    for (const socket of [1, 2, 3]) {
      side.feed({ type: "socket_closed", socket });
      side.feed({ type: "retry_now" });
      expect(side.opened.at(-1)).toBe(socket + 1);
    }
    side.feed({ type: "retry_now" });
    expect(side.opened.at(-1)).toBe(4);
  });

  it("a refusal that will stay ends the call, one that may pass does not", () => {
    const passing = OtherSide.joined();
    passing.feed({ type: "socket_closed", socket: 1 });
    comeBack(passing);
    passing.refuse(passing.lastOf("call.resume").request, "draining", 2);
    expect(passing.phase).toMatchObject({ phase: "reconnecting" });
    const staying = OtherSide.joined();
    staying.feed({ type: "socket_closed", socket: 1 });
    comeBack(staying);
    staying.refuse(staying.lastOf("call.resume").request, "token_expired", 2);
    expect(staying.phase).toEqual({ phase: "ended", reason: "failed", message: "refused: token_expired", code: "token_expired" });
  });
});

describe("when the socket does not answer", () => {
  it("it is kept until the new one has resumed", () => {
    const side = OtherSide.joined();
    side.feed({ type: "socket_quiet", socket: 1 });
    expect(side.phase).toMatchObject({ phase: "reconnecting", message: words.reconnecting.why.server_silent, code: "server_silent" });
    comeBack(side);
    expect(side.outputs).not.toContainEqual({ type: "close", socket: 1 });
    side.letIn(2);
    side.answered();
    expect(side.look()).toContainEqual({ type: "close", socket: 1 });
    side.say(1, { event_type: "call.ended", reason: "replaced" });
    expect(side.phase?.phase).not.toBe("ended");
  });

  it("and speaks again after all, what was written meanwhile goes out over it", () => {
    const side = OtherSide.joined();
    side.feed({ type: "socket_quiet", socket: 1 });
    side.feed({ type: "say", content: "meanwhile" });
    expect(side.sent(side.look())).toEqual([]);
    side.say(1, { event_type: "pong", timestamp: 1 });
    expect(side.sent(side.look())).toMatchObject([{ event_type: "chat.message", content: "meanwhile" }]);
    expect(side.phase).toEqual({ phase: "joined" });
  });
});

describe("a call is over", () => {
  it.each(["removed", "replaced", "left"] as const)("when the server says so: %s", (reason) => {
    const side = OtherSide.joined();
    side.say(1, { event_type: "call.ended", reason });
    expect(side.phase).toEqual({ phase: "ended", reason, message: "" });
    expect(side.look().at(-1)).toEqual({ type: "over" });
    side.pass(60_000);
    expect(side.look()).toEqual([]);
  });

  it("not when the server only waited too long: then it is joined anew", () => {
    const side = OtherSide.joined();
    side.say(1, { event_type: "call.ended", reason: "timed_out" });
    expect(side.phase).toMatchObject({ phase: "reconnecting", message: words.reconnecting.why.away_too_long, code: "away_too_long" });
    expect(comeBack(side)).toMatchObject([{ event_type: "call.join", token: "token-1" }]);
  });
});
