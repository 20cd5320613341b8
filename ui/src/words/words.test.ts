import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../bridge/protocol.generated";
import { listOfNames, words } from "./en";
import { errorWords } from "./errors";

/** Every fixed text of the catalogue, with its path. */
function texts(node: unknown, path = "words"): [string, string][] {
  if (typeof node === "string") return [[path, node]];
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([name, value]) => texts(value, `${path}.${name}`));
}

describe("the words", () => {
  it("are calm: no exclamation mark, no excuse, no please, no codes", () => {
    for (const [path, text] of texts(words)) {
      expect(text, path).not.toMatch(/!|\boops\b|\bplease\b|\bsorry\b|\berror\b|\bfailed\b/i);
    }
  });

  it("are in sentence case", () => {
    // Keys have the names that are printed on them.
    for (const [path, text] of texts({ ...words, keys: {} })) {
      // A word after a full stop, colon or question mark begins a sentence.
      const later = [...text.matchAll(/[^.:?\s]\s+([A-Z][a-z]\S*)/g)].map(([, word = ""]) => word);
      const allowed = ["Confab", "Space", "You", "The", "Hold", "Plug", "Enter", "We", "A", "It", "Join", "Somebody", "Give", "They", "Messages", "Empty", "Reconnecting", "Paste", "Another", "Its", "Wi-Fi", "Ctrl", "Escape", "Apache", "Linux", "Windows"];
      expect(later.filter((word) => !allowed.includes(word.replace(/\W+$/, ""))), `${path}: ${text}`).toEqual([]);
    }
  });

  it("list names as people do", () => {
    expect(listOfNames(["Ines"])).toBe("Ines");
    expect(listOfNames(["Ines", "Mei"])).toBe("Ines and Mei");
    expect(listOfNames(["Ines", "Mei", "Raj", "Tom"])).toBe("Ines and 3 others");
  });

  it("count one and many differently", () => {
    expect(words.dock.people(1)).toBe("People, 1 in the call");
    expect(words.reconnecting.waiting(1)).toBe("1 message waits and is sent by itself");
    expect(words.reconnecting.waiting(3)).toBe("3 messages wait and are sent by themselves");
  });

  it("greet by the time of day", () => {
    expect(words.home.greeting(9, "Lena")).toBe("Good morning, Lena");
    expect(words.home.greeting(14, "")).toBe("Good afternoon");
  });
});

describe("an error", () => {
  const codes: ErrorCode[] = ["malformed_message", "rate_limited", "version_mismatch", "token_expired", "host_key_required",
    "room_not_found", "room_full", "server_full", "draining", "internal", "not_allowed"];

  it("of every kind has words and, when something can be done, a button", () => {
    for (const code of codes) {
      const { title, remedy } = errorWords({ code, message: "Something happened.", field: null }, "kestrel-lane-27");
      expect(title.length, code).toBeGreaterThan(5);
      if (remedy !== "none") expect(words.remedies[remedy].length).toBeGreaterThan(3);
      expect(title, code).not.toContain(code);
    }
  });

  it("about a meeting names the code the person used", () => {
    expect(errorWords({ code: "room_not_found", message: "", field: null }, "kestrel-lane-72")).toEqual({
      title: "No meeting has the code kestrel-lane-72.",
      text: "It may have ended, or a word differs.",
      remedy: "check_code",
    });
  });

  it("about a code that is not found says where it was looked for", () => {
    const { title } = errorWords({ code: "room_not_found", message: "", field: null, server: "127.0.0.1:8003" }, "kestrel-lane-72");
    expect(title).toBe("No meeting at 127.0.0.1:8003 has the code kestrel-lane-72.");
  });

  it("about a certificate nobody vouches for does not say that the server is silent", () => {
    const error = { code: "server_untrusted", message: "The connection to 192.0.2.2:8003 was not made.", field: null } as const;
    const started = errorWords(error, null);
    expect(started).toMatchObject({ title: "This server is not known to be the right one.", text: error.message, remedy: "change_server" });
    expect(errorWords(error, "kestrel-lane-72").remedy).toBe("ask_link");
  });

  it("about a code alone says what to do", () => {
    const { title, text } = errorWords({ code: "server_unnamed", message: "", field: null }, "kestrel-lane-72");
    expect(`${title} ${text}`).toBe("A code alone does not say which server. Paste the whole link, or name your server in the settings.");
  });

  it("whose cause is not known says so", () => {
    expect(errorWords({ code: "internal", message: "", field: null }, null).title).toContain("we do not know why");
  });
});
