import { cleanup } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// Nothing is drawn here: a canvas has no context.
HTMLCanvasElement.prototype.getContext = () => null;

// React Aria asks whether the document is a `Document`; happy-dom's says no, and popovers then take the focus from their menus.
Object.defineProperty(Document, Symbol.hasInstance, { value: (node: Node | null) => node?.nodeType === 9 });

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});
