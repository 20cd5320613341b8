import { afterEach, describe, expect, it } from "vitest";
import { words as en } from "../../words/en";
import { speak } from "../../words";
import type { BridgeError } from "../commands";
import { linkText, parsedLink, parseMeetingLink, parseServerAddress, websocketUrl } from "./link";

const CODE = "kestrel-lane-27";
const FINGERPRINT = "ab".repeat(32);

/** What is said about a text that is refused. */
function refused(text: string): string {
  try {
    parseMeetingLink(text);
  } catch (thrown) {
    const error = thrown as BridgeError;
    expect(error.code).toBe("link_invalid");
    return error.message;
  }
  throw new Error(`${text} was taken`);
}

afterEach(() => speak("en"));

// The cases of crates/protocol/tests/links.rs.
describe("a meeting link", () => {
  it("may be a bare code, whose spaces and capitals do not matter", () => {
    expect(parsedLink("  Kestrel-LANE-27 \n")).toEqual({ code: CODE, server: null, join_text: CODE });
  });

  it.each([
    `https://meet.example/m/${CODE}`,
    `https://meet.example:8443/m/${CODE}18`,
    `http://127.0.0.1:8003/m/${CODE}`,
    `https://[2001:db8::7]:8003/m/${CODE}`,
    `https://192.0.2.7:8003/m/${CODE}#fp=${FINGERPRINT}`,
  ])("survives being read and written: %s", (text) => {
    expect(linkText(parseMeetingLink(text))).toBe(text);
    expect(parseMeetingLink(linkText(parseMeetingLink(text)))).toEqual(parseMeetingLink(text));
  });

  it.each([
    ["confab://meet.example", "wss://meet.example:8003/ws"],
    ["confab://127.0.0.1:9000", "ws://127.0.0.1:9000/ws"],
    ["confab://localhost:80", "ws://localhost:80/ws"],
    ["confab://192.168.1.20:8003", "ws://192.168.1.20:8003/ws"],
    ["confab://10.1.2.3", "ws://10.1.2.3:8003/ws"],
    ["confab://172.16.0.9", "ws://172.16.0.9:8003/ws"],
    ["confab://172.32.0.9", "wss://172.32.0.9:8003/ws"],
    ["confab://[fd00::7]", "ws://[fd00::7]:8003/ws"],
    ["confab://[fe80::7]", "ws://[fe80::7]:8003/ws"],
    ["confab://[2001:db8::7]", "wss://[2001:db8::7]:8003/ws"],
    ["confab://203.0.113.9", "wss://203.0.113.9:8003/ws"],
    ["https://meet.example", "wss://meet.example:443/ws"],
    ["http://meet.example", "ws://meet.example:80/ws"],
    ["meet.example:8003", "wss://meet.example:8003/ws"],
    ["192.168.1.20:8003", "ws://192.168.1.20:8003/ws"],
  ])("leads to a server over TLS but near by: %s to %s", (server, url) => {
    const link = parseMeetingLink(`${server}/m/${CODE}`);
    expect(link.code).toBe(CODE);
    expect(link.server === null ? null : websocketUrl(link.server)).toBe(url);
  });

  it("says with its fragment whether a server encrypts", () => {
    const secure = (text: string): boolean | undefined => parseMeetingLink(`confab://${text}`).server?.secure;
    expect(secure(`meet.lan/m/${CODE}#plain`)).toBe(false);
    expect(secure(`192.168.1.20/m/${CODE}#tls`)).toBe(true);
    expect(secure(`192.168.1.20/m/${CODE}#fp=${FINGERPRINT}`)).toBe(true);
    expect(parseMeetingLink(`https://h.example/m/${CODE}#fp=${FINGERPRINT.toUpperCase()}`).server?.fingerprint).toBe(FINGERPRINT);
  });

  it("tells the screens the server with its port, and the link to join with", () => {
    expect(parsedLink(`confab://127.0.0.1/m/${CODE}`)).toEqual({ code: CODE, server: "127.0.0.1:8003", join_text: `http://127.0.0.1:8003/m/${CODE}` });
  });

  it.each([
    ["   ", en.browser.link.empty],
    ["meet.example/m/", en.browser.link.empty],
    ["kestrel", en.browser.link.badCode("kestrel")],
    ["kestrel-lane-27-more", en.browser.link.badCode("kestrel-lane-27-more")],
    ["kestrel-lane-٤٢", en.browser.link.badCode("kestrel-lane-٤٢")],
    ["https://meet.example/", en.browser.link.notAMeeting],
    ["https:///m/kestrel-lane-27", en.browser.link.notAMeeting],
    ["javascript://alert/m/kestrel-lane-27", en.browser.link.badScheme("javascript")],
    ["https://h/m/kestrel-lane-27#fp=12", en.browser.link.badFingerprint],
  ])("that is none is refused with what is wrong: %s", (text, sentence) => {
    expect(refused(text)).toBe(sentence);
  });

  it("is refused without repeating a whole page", () => {
    expect(refused("x".repeat(100_000)).length).toBeLessThan(200);
  });

  it("is refused in the language of the window", () => {
    speak("de");
    expect(refused("")).toMatch(/eingegeben/);
  });
});

describe("the address of a server", () => {
  it("is a host, with a port or without", () => {
    expect(parseServerAddress("localhost:8003")).toEqual({ host: "localhost", port: 8003, secure: false, fingerprint: null });
    expect(parseServerAddress("https://meet.example")).toEqual({ host: "meet.example", port: 443, secure: true, fingerprint: null });
    expect(() => parseServerAddress("not a host")).toThrow();
  });
});
