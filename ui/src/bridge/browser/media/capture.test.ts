import { afterEach, expect, it, vi } from "vitest";
import { FakeBrowser } from "../call/fake_browser.test_support";
import { Capture } from "./capture";

afterEach(() => vi.unstubAllGlobals());

function made(): { world: FakeBrowser; capture: Capture } {
  const world = new FakeBrowser();
  return { world, capture: new Capture({ event: () => undefined, changed: () => undefined, named: () => undefined }, true) };
}

it("a device that is open is not opened again by the same choice, nor while it is being opened", async () => {
  const { world, capture } = made();
  await Promise.all([capture.open("camera", { kind: "default" }), capture.open("camera", { kind: "default" })]);
  await capture.open("microphone", { kind: "default" });
  await capture.open("camera", { kind: "default" });
  await capture.open("microphone", null);
  expect(world.opened.map(({ kind, readyState }) => [kind, readyState])).toEqual([["video", "live"], ["audio", "ended"]]);
});

it("a device that stopped is opened again by the same choice", async () => {
  const { world, capture } = made();
  await capture.open("camera", { kind: "default" });
  world.opened[0]?.onended?.();
  expect(capture.wants("camera")).toBe(false);
  await capture.open("camera", { kind: "default" });
  expect(world.opened).toHaveLength(2);
});
