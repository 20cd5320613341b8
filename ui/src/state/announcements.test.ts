import { describe, expect, it } from "vitest";
import { fixtureCall, fixtureMessage, fixturePerson, FIXTURE_DEVICES, FIXTURE_SETTINGS } from "../bridge/fixture";
import { announcements, gatheredSentences } from "./announcements";
import { initialState, reduce, type AppState } from "./app_state";

const INES = fixturePerson(1, "Ines");
const RAJ = fixturePerson(2, "Raj");
const LENA = fixturePerson(5, "Lena");
const inCall = (): AppState => reduce(
  initialState({ version: "", platform: "linux", window_controls: false, draws_pictures: false, opened_link: null }, FIXTURE_SETTINGS, FIXTURE_DEVICES),
  { type: "call_joined", call: fixtureCall([INES, LENA]) },
);

describe("a screen reader hears", () => {
  it("who joined and who left, gathered into sentences", () => {
    const before = inCall();
    const found = announcements(before, reduce(before, { type: "roster", participants: [RAJ, fixturePerson(3, "Mei"), LENA] }));
    expect(gatheredSentences(found)).toEqual(["Raj and Mei joined", "Ines left"]);
    const three = [1, 2, 3].map((number) => ({ urgency: "gathered" as const, kind: "joined" as const, name: `P${number}` }));
    expect(gatheredSentences(three)).toEqual(["P1 and 2 others joined"]);
  });

  it("hands and shares of others", () => {
    const before = inCall();
    const after = reduce(before, { type: "roster", participants: [fixturePerson(1, "Ines", { hand_raised_at: 1, adds: ["screen"] }), LENA] });
    expect(announcements(before, after)).toEqual([
      { urgency: "polite", text: "Ines raised a hand" },
      { urgency: "polite", text: "Ines began to share" },
    ]);
  });

  it("at once that the connection went away, and that it is back", () => {
    const before = inCall();
    const away = reduce(before, { type: "call_phase", phase: { phase: "reconnecting", since: 0, next_try_at: null, message: "" } });
    expect(announcements(before, away)).toEqual([{ urgency: "assertive", text: "You are offline. Reconnecting." }]);
    const back = reduce(away, { type: "call_phase", phase: { phase: "joined" } });
    expect(announcements(away, back)).toEqual([{ urgency: "polite", text: "You are back in the call" }]);
  });

  it("who reacted, gathered, but not me", () => {
    let after = inCall();
    const before = after;
    for (const participant of [INES.id, LENA.id]) after = reduce(after, { type: "reaction", participant, reaction: "clap" }, 1_000);
    expect(gatheredSentences(announcements(before, after))).toEqual(["Ines reacted"]);
    const many = ["Ines", "Raj", "Ines", "Mei"].map((name) => ({ urgency: "gathered" as const, kind: "reacted" as const, name }));
    expect(gatheredSentences(many)).toEqual(["Ines and 2 others reacted"]);
  });

  it("chat only while its panel is closed", () => {
    const before = inCall();
    const message = { type: "chat", message: fixtureMessage(1, INES, "Hello") } as const;
    expect(announcements(before, reduce(before, message))).toEqual([{ urgency: "polite", text: "Ines writes: Hello" }]);
    const open = reduce(before, { type: "panel_toggled", panel: "chat" });
    expect(announcements(open, reduce(open, message))).toEqual([]);
  });

  it("neither who joins and leaves nor hands when few things are to be said, but all else", () => {
    const before = reduce(inCall(), { type: "settings_changed", settings: { ...FIXTURE_SETTINGS, announcements: "few" } });
    const raised = fixturePerson(1, "Ines", { hand_raised_at: 1, adds: ["screen"] });
    expect(announcements(before, reduce(before, { type: "roster", participants: [raised, RAJ, LENA] }))).toEqual([
      { urgency: "polite", text: "Ines began to share" },
    ]);
    expect(announcements(before, reduce(before, { type: "roster", participants: [LENA] }))).toEqual([]);
    const away = reduce(before, { type: "call_phase", phase: { phase: "reconnecting", since: 0, next_try_at: null, message: "" } });
    expect(announcements(before, away)).toHaveLength(1);
  });

  it("nothing about who speaks", () => {
    const before = inCall();
    expect(announcements(before, reduce(before, { type: "speaking", participants: [INES.id] }))).toEqual([]);
  });
});
