import { describe, expect, it } from "vitest";
import { refusal, withKeys } from "./shortcut_choice";

const USUAL = { shortcuts: {} };

describe("keys for an action", () => {
  it("may be its own, and any with Ctrl that nothing has", () => {
    expect(refusal(USUAL, "hand", "Ctrl+Shift+H")).toBeNull();
    expect(refusal(USUAL, "hand", "Ctrl+J")).toBeNull();
    expect(refusal(USUAL, "hand", "Ctrl+Alt+J")).toBeNull();
    expect(refusal(USUAL, "fullScreen", "F10")).toBeNull();
  });

  it("are refused when another action has them, by its name", () => {
    expect(refusal(USUAL, "hand", "Ctrl+E")).toContain("Camera on or off");
    expect(refusal({ shortcuts: { chat: "Ctrl+J" } }, "hand", "Ctrl+J")).toContain("Chat");
    expect(refusal(USUAL, "hand", "F6")).toContain("Go to the next region");
  });

  it("are free again when their action got others", () => {
    expect(refusal({ shortcuts: { camera: "Ctrl+J" } }, "hand", "Ctrl+E")).toBeNull();
  });

  it("are not those of texts, nor those one types with", () => {
    for (const keys of ["Ctrl+C", "Ctrl+V", "Ctrl+Z", "Ctrl+A"]) expect(refusal(USUAL, "hand", keys), keys).toContain("belongs to texts");
    for (const keys of ["K", "Shift+K", "Alt+K", "Space", "Enter", "ArrowUp", "Delete"]) expect(refusal(USUAL, "hand", keys), keys).toContain("Hold Ctrl");
  });

  it("need not be kept when they are the usual ones", () => {
    expect(withKeys({ shortcuts: { hand: "Ctrl+J", chat: "Ctrl+K" } }, "hand", "Ctrl+Shift+H")).toEqual({ chat: "Ctrl+K" });
    expect(withKeys(USUAL, "hand", "Ctrl+J")).toEqual({ hand: "Ctrl+J" });
  });
});
