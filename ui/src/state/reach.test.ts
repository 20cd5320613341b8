import { describe, expect, it } from "vitest";
import { hostOf, worksHereOnly } from "./reach";

describe("a link", () => {
  it("to this computer itself brings nobody else, however it is written", () => {
    for (const host of ["127.0.0.1", "127.1.2.3", "127.1", "localhost", "LOCALHOST", "localhost.", "confab.localhost", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "0.0.0.0"]) {
      for (const link of [`http://${host}:8003/m/onyx-pier-5143`, `https://${host}/m/onyx-pier-5143#fp=00`, `confab://${host}:8003/m/onyx-pier-5143`, `${host}:8003`]) {
        expect(worksHereOnly(link), link).toBe(true);
      }
    }
  });

  it("to any other place may bring others", () => {
    for (const link of ["http://192.168.1.7:8003/m/onyx-pier-5143", "https://meet.example.org/m/onyx-pier-5143", "https://localhost.example.org/m/onyx-pier-5143",
      "http://[fd00::1]:8003/m/onyx-pier-5143", "http://12.7.0.1/m/onyx-pier-5143", "https://meet.example.org/m/127.0.0.1", "onyx-pier-5143", "", "http://", "://"]) {
      expect(worksHereOnly(link), link).toBe(false);
    }
  });

  it("names its host without the port", () => {
    expect(hostOf("http://192.168.1.7:8003/m/onyx-pier-5143")).toBe("192.168.1.7");
    expect(hostOf("[fd00::1]:8003")).toBe("[fd00::1]");
    expect(hostOf("confab://Meet.Example.org/m/onyx-pier-5143")).toBe("meet.example.org");
    expect(hostOf("")).toBeNull();
  });
});
