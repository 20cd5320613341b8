import { describe, expect, it } from "vitest";
import { DEFAULT_SETTINGS } from "../../state/app_state";
import type { Settings } from "../commands";
import { readSettings, SettingsStore, type Storage } from "./settings";

const USUAL: Settings = { ...DEFAULT_SETTINGS, name: "Lena", theme: "dark", text_size: 150, camera_on: false, devices: { ...DEFAULT_SETTINGS.devices, microphone: { kind: "device", id: "mic-2" } } };
const RECENT = { code: "kestrel-lane-2741", title: "Review", link: "http://127.0.0.1:8003/m/kestrel-lane-2741", joined_at: 7 };

function shelf(text: string | null = null): Storage & { text: string | null } {
  return { text, getItem() { return this.text; }, setItem(_key, value) { this.text = value; } };
}

describe("the settings of a page", () => {
  it("are the usual ones at the first visit, and after something else wrote its own", () => {
    for (const text of [null, "", "no JSON", "null", "[]", "7"]) expect(readSettings(text)).toEqual(DEFAULT_SETTINGS);
  });

  it("are there again at the next visit", () => {
    const storage = shelf();
    new SettingsStore(storage).set({ ...USUAL, recent: [RECENT] });
    expect(new SettingsStore(storage).get()).toEqual({ ...USUAL, recent: [RECENT] });
  });

  it("keep what is right when one of them is wrong", () => {
    const wrong: Record<string, unknown> = {
      name: 7, theme: "pink", language: null, text_size: "large", motion: [], announcements: {}, mirror: "yes", hide_self: 1, layout: "circle",
      noise_removal: null, shortcuts: "none", devices: 3, server: {}, microphone_on: "on", camera_on: 0, recent: "none",
    };
    for (const [field, value] of Object.entries(wrong)) {
      const read = readSettings(JSON.stringify({ ...USUAL, [field]: value }));
      expect(read, field).toEqual({ ...USUAL, [field]: DEFAULT_SETTINGS[field as keyof Settings] });
    }
  });

  it("are brought within their bounds, whoever wrote them", () => {
    const shortcuts = Object.fromEntries(Array.from({ length: 1_000 }, (_, number) => [`action ${number}`, "Ctrl+K"]));
    const recent = Array.from({ length: 100 }, () => RECENT);
    const read = readSettings(JSON.stringify({ ...USUAL, name: "ä".repeat(10_000), text_size: 9_000, shortcuts, recent }));
    expect([...read.name].length).toBe(256);
    expect(read.text_size).toBe(200);
    expect(Object.keys(read.shortcuts).length).toBe(100);
    expect(read.recent.length).toBe(50);
  });

  it("lose one meeting that is damaged, not the others", () => {
    const damaged = [{ ...RECENT, code: "<b>" }, { ...RECENT, link: "x".repeat(2_000) }, { code: RECENT.code }, null, "kestrel"];
    expect(readSettings(JSON.stringify({ recent: [...damaged, RECENT] })).recent).toEqual([RECENT]);
  });

  it("take the default for devices that only the desktop app has", () => {
    const devices = { camera: { kind: "file", path: "/a.y4m" }, microphone: { kind: "test" }, speaker: { kind: "none" } };
    expect(readSettings(JSON.stringify({ devices })).devices).toEqual({ camera: { kind: "default" }, microphone: { kind: "default" }, speaker: { kind: "none" } });
  });

  it("hold until the page is closed when the browser keeps nothing, and that is said", () => {
    const full: Storage = { getItem: () => { throw new Error("blocked"); }, setItem: () => { throw new Error("full"); } };
    for (const storage of [full, null]) {
      const store = new SettingsStore(storage);
      expect(() => store.set(USUAL)).toThrow(expect.objectContaining({ code: "storage_failed" }));
      expect(store.get()).toEqual(USUAL);
    }
  });
});
