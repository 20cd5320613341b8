import { afterEach, expect, it, vi } from "vitest";
import { FakeBrowser, trackOf } from "./fake_browser.test_support";
import { Peer } from "./peer";

afterEach(() => vi.unstubAllGlobals());

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

it("a connection whose sender hangs does not keep the next one from being muted", async () => {
  const world = new FakeBrowser();
  const peer = new Peer({ path: () => undefined, slot: () => undefined });
  const microphone = trackOf("audio");
  await peer.offer(true);
  const before = world.connections[0]?.senders[0];
  if (before !== undefined) before.hang = true;
  peer.send("microphone", microphone);
  await settled();
  await peer.offer(true);
  peer.send("microphone", null);
  await settled();
  expect(before?.sent).toEqual([null, microphone]);
  expect(world.connections[1]?.senders[0]?.sent).toEqual([microphone, null]);
});

it("what was to be sent over a connection that is gone is not done to the next one", async () => {
  const world = new FakeBrowser();
  const peer = new Peer({ path: () => undefined, slot: () => undefined });
  const [first, second] = [trackOf("video"), trackOf("video")];
  await peer.offer(true);
  peer.send("camera", first);
  peer.send("camera", second);
  await peer.offer(true);
  await settled();
  expect(world.connections[1]?.senders[1]?.sent).toEqual([second]);
});
