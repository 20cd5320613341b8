import { cleanup } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// Nothing is drawn here: a canvas has no context.
HTMLCanvasElement.prototype.getContext = () => null;

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});
