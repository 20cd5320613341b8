import { afterEach, describe, expect, it } from "vitest";
import type { BridgeError, DeviceProblem } from "../bridge/commands";
import { clockTime, dayAndTime, dayInWords } from "../state/time";
import { listOfNames, words as de } from "./de";
import { words as en } from "./en";
import { endWords, errorWords, noticeWords, problemDetail, refusalLine, refusalWords, troubleWords } from "./errors";
import { catalogueFor, speak, spoken, words } from "./index";

type Leaf = string | ((...values: never[]) => string);

/** Every text and sentence of a catalogue, by its path. */
function leaves(node: unknown, path = ""): Map<string, Leaf> {
  if (typeof node === "string" || typeof node === "function") return new Map([[path, node as Leaf]]);
  return new Map(Object.entries(node as object).flatMap(([name, value]) => [...leaves(value, path === "" ? name : `${path}.${name}`)]));
}

/** What a sentence says of these values; a sentence about lists gets one. */
function said(leaf: Leaf, count: number): string {
  if (typeof leaf === "string") return leaf;
  const values = [count, "Ines", ["Ines", "Mei"]];
  for (const first of values) {
    for (const second of values) {
      try {
        return String(Reflect.apply(leaf, undefined, [first, second]));
      } catch {
        continue;
      }
    }
  }
  throw new Error("no values fit");
}

/** The same in both languages: names, and words German has taken over. */
const THE_SAME = [
  "product", "home.navigation", "home.joinPlaceholder", "home.version", "call.untitled", "call.tile", "dock.chat", "chat.heading",
  "people.roles.participant", "settings.themes.system", "keys.Alt",
  "settings.sections.video", "settings.keys.saved", "settings.keys.actions.chat", "settings.appearance.languages.system", "settings.appearance.languages.en",
  "settings.appearance.languages.de", "settings.appearance.textSizeOf", "settings.appearance.motions.system", "settings.about.version", "settings.about.platform",
  "settings.about.platforms.linux", "settings.about.platforms.macos", "settings.about.platforms.windows", "settings.about.platforms.browser",
  "statistics.milliseconds", "statistics.kilobits",
  "errors.unknown.text", "errors.version_mismatch.text", "errors.not_allowed.text",
  "errors.media_failed.text", "errors.device_failed.text", "errors.share_failed.text", "errors.not_in_call.text", "errors.message_too_large.text",
  "errors.storage_failed.text", "errors.window_failed.text", "errors.not_in_browser.text", "browser.device.missing",
];

const refused = (code: BridgeError["code"], message = ""): BridgeError => ({ code, message, field: null });

afterEach(() => speak("en"));

describe("the German catalogue", () => {
  it("has the texts of the English one, and no others", () => {
    expect([...leaves(de).keys()].sort()).toEqual([...leaves(en).keys()].sort());
  });

  it("leaves nothing untranslated but names and words both languages share", () => {
    const english = leaves(en);
    const same = [...leaves(de)].filter(([path, leaf]) => said(leaf, 3) === said(english.get(path) ?? "", 3)).map(([path]) => path);
    expect(same.filter((path) => !THE_SAME.includes(path))).toEqual([]);
  });

  it("is as calm as the English, calls people du, and quotes as German does", () => {
    for (const [path, leaf] of leaves(de)) {
      for (const count of [0, 1, 3]) {
        const text = said(leaf, count);
        expect(text, path).not.toMatch(/!|\bups\b|\bbitte\b|\bleider\b|fehler|undefined|NaN|#|—|"/i);
        // The polite form; "ihre" with a small letter is "their".
        expect(text, path).not.toMatch(/\bIhre?[nmrs]?\b|\bIhnen\b/);
      }
    }
  });

  it("counts one and many differently", () => {
    expect(de.dock.people(1)).toBe("Personen, 1 im Gespräch");
    expect(de.reconnecting.waiting(1)).toBe("1 Nachricht wartet und wird von selbst gesendet");
    expect(de.reconnecting.waiting(3)).toBe("3 Nachrichten warten und werden von selbst gesendet");
    expect(de.announce.joined(["Ines"])).toBe("Ines ist beigetreten");
    expect(de.announce.joined(["Ines", "Mei"])).toBe("Ines und Mei sind beigetreten");
    expect(de.chat.tooLong(4000)).toBe("Eine Nachricht hat höchstens 4.000 Zeichen.");
  });

  it("lists names as people do", () => {
    expect(listOfNames(["Ines", "Mei", "Raj", "Tom"])).toBe("Ines und 3 andere");
  });
});

describe("the language of the window", () => {
  it("follows the computer's preferences, the first that is spoken", () => {
    expect(catalogueFor("system", ["fr-FR", "de-AT", "en-US"])).toMatchObject({ language: "de", locale: "de-AT" });
    expect(catalogueFor("system", ["fr-FR"])).toMatchObject({ language: "en", locale: "en-GB" });
    expect(catalogueFor("system", [])).toMatchObject({ language: "en" });
  });

  it("is the one that was chosen, with dates as its owner writes them", () => {
    expect(catalogueFor("de", ["en-US"])).toMatchObject({ language: "de", locale: "de-DE" });
    expect(catalogueFor("en", ["de-DE", "en-US"])).toMatchObject({ language: "en", locale: "en-US" });
  });

  it("changes what is said from then on", () => {
    speak("de");
    expect(words.dock.leave).toBe("Verlassen");
    expect(spoken().language).toBe("de");
    speak("en");
    expect(words.dock.leave).toBe("Leave");
  });

  it("writes days and times its own way", () => {
    const at = new Date(2026, 10, 21, 10, 48).getTime();
    speak("de");
    expect(dayInWords(at)).toBe("Samstag, 21. November");
    expect(dayAndTime(at, at)).toBe("Heute, 10:48");
    expect(dayAndTime(at, at + 86_400_000)).toBe("Gestern, 10:48");
    expect(dayAndTime(at, at + 9 * 86_400_000)).toBe("21. November");
    speak("en");
    expect(dayInWords(at)).toMatch(/Saturday.*21|Saturday.*November/);
    expect(dayAndTime(at, at)).toBe(`Today, ${clockTime(at)}`);
  });
});

describe("what the native side says in English", () => {
  const codes: BridgeError["code"][] = ["room_not_found", "room_full", "server_full", "draining", "host_key_required", "encryption_required",
    "certificate_mismatch", "server_unnamed", "token_expired", "token_invalid", "token_foreign", "link_invalid", "rate_limited", "not_in_call", "session_gone", "message_too_large"];

  it("is not shown in German when the code says it all", () => {
    speak("de");
    for (const code of codes) {
      const { title, text } = errorWords(refused(code, "Native sentence."), null);
      expect(`${title} ${text}`, code).not.toContain("Native");
      expect(title.length, code).toBeGreaterThan(8);
    }
  });

  it("is the why in German when it holds a fact the code has not", () => {
    speak("de");
    expect(errorWords(refused("server_unreachable", "Nothing listens at 127.0.0.1:8003."), null)).toEqual({
      title: "Der Server antwortet nicht.", text: "Nothing listens at 127.0.0.1:8003.", remedy: "try_again",
    });
    expect(refusalWords(refused("device_failed", "The camera does not answer."))).toEqual({ message: "Das Gerät startet nicht.", detail: "The camera does not answer." });
    expect(refusalLine(refused("internal", "Disk full."))).toBe("Das hat nicht geklappt, und wir wissen nicht, warum. Disk full.");
  });

  it("is shown as it is in English, and replaced only when it is empty", () => {
    expect(refusalWords(refused("room_full", "No seat is free."))).toEqual({ message: "No seat is free.", detail: "" });
    expect(refusalWords(refused("room_full"))).toEqual({ message: words.errors.room_full.title, detail: words.errors.room_full.text });
    expect(errorWords(refused("link_invalid", "“x” is not a code."), null).title).toBe("“x” is not a code.");
  });

  it("names the code of a meeting that does not exist in both", () => {
    speak("de");
    expect(errorWords(refused("room_not_found"), "kestrel-lane-72").title).toBe("Kein Meeting hat den Code kestrel-lane-72.");
  });

  it("about devices, ends and notices gives way to the words of the reason", () => {
    const problem: DeviceProblem = { kind: "camera", reason: "lost", message: "It was unplugged.", device: null };
    expect(problemDetail(problem)).toBe("It was unplugged.");
    expect(endWords("server_gone", "It said goodbye.").text).toBe("It said goodbye.");
    expect(endWords("left", "You left the meeting.", null, true).text).toBe("The others go on without you.");
    expect(endWords("left", "You left the meeting.").text).toBe("");
    expect(endWords("removed", "A host removed you from the meeting.").text).toBe(en.ended.removed[1]);
    speak("de");
    expect(problemDetail(problem)).toBe("");
    expect(problemDetail({ ...problem, reason: "busy", message: "OBS Studio holds it." })).toBe("OBS Studio holds it.");
    expect(endWords("server_gone", "It said goodbye.").text).toBe(de.ended.server_gone[1]);
    expect(endWords("failed", "Out of memory.").text).toBe("Out of memory.");
    expect(noticeWords({ message: "You are muted.", code: "talking_while_muted" }).message).toBe(de.notices.talkingWhileMuted);
    expect(noticeWords({ message: "Buds is back.", code: "device_restored", subject: "Buds" }).message).toBe("Buds ist wieder da und wird wieder benutzt.");
    expect(noticeWords({ message: "Buds is back.", code: "device_restored" }).message).toBe("Das Gerät ist wieder da und wird wieder benutzt.");
    expect(noticeWords({ message: "Something new." })).toEqual({ message: "Something new.", detail: "" });
  });

  it("about a refusal in passing, a lost connection or a call that broke off is told by its code", () => {
    const away = { phase: "reconnecting", since: 0, next_try_at: null, message: "Native sentence." } as const;
    speak("de");
    expect(noticeWords({ message: "Native sentence.", code: "rate_limited" })).toEqual({ message: de.errors.rate_limited.title, detail: de.errors.rate_limited.text });
    expect(refusalLine(refused("outbox_full", "Native sentence."))).toBe(`${de.errors.outbox_full.title} ${de.errors.outbox_full.text}`);
    expect(troubleWords({ ...away, code: "server_silent" })).toBe("Der Server antwortet nicht.");
    expect(troubleWords(away)).toBe("Native sentence.");
    expect(endWords("failed", "Native sentence.", "room_full").text).toBe(`${de.errors.room_full.title} ${de.errors.room_full.text}`);
    speak("en");
    expect(troubleWords({ ...away, code: "server_silent" })).toBe("The server does not answer.");
    expect(endWords("failed", "Native sentence.", "room_full").text).toBe("Native sentence.");
  });
});
