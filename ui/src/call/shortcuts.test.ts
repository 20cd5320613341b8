import { describe, expect, it } from "vitest";
import { effectiveShortcuts, keysOf, matchShortcut, shortcutText, takesSpace } from "./shortcuts";

const keys = (key: string, held: Partial<Record<"ctrlKey" | "metaKey" | "shiftKey" | "altKey", boolean>>) =>
  ({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...held });

describe("shortcuts", () => {
  it("are found by their keys", () => {
    expect(matchShortcut(keys("d", { ctrlKey: true }), false)).toBe("microphone");
    expect(matchShortcut(keys("D", { ctrlKey: true }), false)).toBe("microphone");
    expect(matchShortcut(keys("H", { ctrlKey: true, shiftKey: true }), false)).toBe("hand");
    expect(matchShortcut(keys("/", { ctrlKey: true, shiftKey: true }), false)).toBe("help");
  });

  it("need exactly their modifiers", () => {
    expect(matchShortcut(keys("d", {}), false)).toBeNull();
    expect(matchShortcut(keys("d", { ctrlKey: true, altKey: true }), false)).toBeNull();
    expect(matchShortcut(keys("d", { ctrlKey: true, shiftKey: true }), false)).toBeNull();
    expect(matchShortcut(keys("h", { ctrlKey: true }), false)).toBeNull();
    expect(matchShortcut(keys("d", { ctrlKey: true }), true)).toBeNull();
    expect(matchShortcut(keys("d", { metaKey: true }), true)).toBe("microphone");
  });

  it("are written as people know them", () => {
    expect(shortcutText("leave", false)).toBe("Ctrl Shift L");
    expect(shortcutText("camera", true)).toBe("⌘ E");
  });

  it("leave Space to whatever is typed in or pressed", () => {
    document.body.innerHTML = '<textarea id="t"></textarea><button id="b"><i id="i"></i></button><div id="d" tabindex="0"></div>';
    expect(takesSpace(document.getElementById("t"))).toBe(true);
    expect(takesSpace(document.getElementById("i"))).toBe(true);
    expect(takesSpace(document.getElementById("d"))).toBe(false);
    expect(takesSpace(null)).toBe(false);
  });
});

describe("changed shortcuts", () => {
  it("win over the usual ones, however they are written", () => {
    const shortcuts = effectiveShortcuts({ shortcuts: { microphone: "shift+ctrl+k" } });
    expect(shortcuts.microphone).toBe("Ctrl+Shift+K");
    expect(shortcuts.camera).toBe("Ctrl+E");
    expect(matchShortcut(keys("K", { ctrlKey: true, shiftKey: true }), false, shortcuts)).toBe("microphone");
    expect(matchShortcut(keys("d", { ctrlKey: true }), false, shortcuts)).toBeNull();
    expect(shortcutText("microphone", false, shortcuts)).toBe("Ctrl Shift K");
  });

  it("take their keys from the action that usually has them", () => {
    const shortcuts = effectiveShortcuts({ shortcuts: { camera: "Ctrl+D" } });
    expect(shortcuts.camera).toBe("Ctrl+D");
    expect(shortcuts.microphone).toBe("");
  });

  it("of two actions with the same keys belong to the first", () => {
    const shortcuts = effectiveShortcuts({ shortcuts: { camera: "Ctrl+J", hand: "Ctrl+J" } });
    expect([shortcuts.camera, shortcuts.hand]).toEqual(["Ctrl+J", ""]);
  });

  it("may be none, and unknown actions are nothing", () => {
    const shortcuts = effectiveShortcuts({ shortcuts: { hand: "", dance: "Ctrl+D" } });
    expect(shortcuts.hand).toBe("");
    expect(shortcuts.microphone).toBe("Ctrl+D");
  });

  it("are read from the keyboard as the settings keep them", () => {
    expect(keysOf(keys("k", { ctrlKey: true, shiftKey: true }), false)).toBe("Ctrl+Shift+K");
    expect(keysOf(keys("k", { metaKey: true }), true)).toBe("Ctrl+K");
    expect(keysOf(keys("F11", {}), false)).toBe("F11");
    expect(keysOf(keys("Control", { ctrlKey: true }), false)).toBeNull();
    expect(matchShortcut(keys("F11", {}), false)).toBe("fullScreen");
    expect(matchShortcut(keys("PageDown", {}), false)).toBe("nextPage");
  });
});
