import { describe, expect, it } from "vitest";
import { words } from "../../words";
import { parseMeetingLink } from "./link";
import { openedLink, pageServer, reachable, settingsServer, type Place } from "./where";

const CODE = "kestrel-lane-27";
const FINGERPRINT = "ab".repeat(32);

function place(address: string): Place {
  return new URL(address);
}

function server(link: string): NonNullable<ReturnType<typeof parseMeetingLink>["server"]> {
  const { server: named } = parseMeetingLink(link);
  if (named === null) throw new Error("a link with a server");
  return named;
}

describe("the server of a page", () => {
  it("is the one it came from", () => {
    expect(pageServer(place("https://meet.example/"))).toMatchObject({ host: "meet.example", port: 443, secure: true });
    expect(pageServer(place("http://127.0.0.1:8003/browser.html"))).toMatchObject({ host: "127.0.0.1", port: 8003, secure: false });
  });

  it("is that of the settings when they name one", () => {
    const page = place("https://meet.example/");
    expect(settingsServer("", page)).toMatchObject({ host: "meet.example" });
    expect(settingsServer("192.168.1.20:8003", page)).toMatchObject({ host: "192.168.1.20", port: 8003, secure: false });
    expect(() => settingsServer("not a host", page)).toThrow(expect.objectContaining({ code: "link_invalid" }));
  });

  it("may name a certificate only where the browser has taken it already", () => {
    const link = server(`https://192.0.2.7:8003/m/${CODE}#fp=${FINGERPRINT}`);
    expect(reachable(link, place("https://192.0.2.7:8003/"))).toBe("wss://192.0.2.7:8003/ws");
    const refusal = expect.objectContaining({ code: "not_in_browser", message: words.browser.cannot.fingerprint });
    expect(() => reachable(link, place("https://192.0.2.8:8003/"))).toThrow(refusal);
    expect(() => reachable(link, place("http://192.0.2.7:8003/"))).toThrow(refusal);
  });
});

describe("the meeting a page was opened for", () => {
  it("is that of its own address, or the one it was asked to join", () => {
    expect(openedLink(place(`http://127.0.0.1:8003/m/${CODE}`))).toBe(`http://127.0.0.1:8003/m/${CODE}`);
    expect(openedLink(place(`https://meet.example/m/${CODE}#fp=${FINGERPRINT}`))).toBe(`https://meet.example/m/${CODE}#fp=${FINGERPRINT}`);
    expect(openedLink(place(`https://meet.example/browser.html?join=${CODE}`))).toBe(CODE);
  });

  it("is none at any other address", () => {
    for (const address of ["https://meet.example/", "https://meet.example/m/", "https://meet.example/m/nothing"]) {
      expect(openedLink(place(address)), address).toBeNull();
    }
  });
});
