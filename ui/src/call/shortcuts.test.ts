import { describe, expect, it } from "vitest";
import { matchShortcut, shortcutText, takesSpace } from "./shortcuts";

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
