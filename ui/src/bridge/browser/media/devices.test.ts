import { describe, expect, it } from "vitest";
import { deviceList, deviceProblem, meterLevel, openingOf, type Listed } from "./devices";

const listed = (kind: MediaDeviceKind, deviceId: string, label = "", groupId = ""): Listed => ({ kind, deviceId, label, groupId });

describe("the devices of a browser", () => {
  it("are there without name and number before the page may use them", () => {
    const { cameras, microphones, speakers } = deviceList([listed("videoinput", ""), listed("audioinput", "")]);
    expect([...cameras, ...microphones, ...speakers]).toEqual(Array.from({ length: 3 }, () => ({ id: "", name: "", is_default: true, detail: "" })));
  });

  it("are none where there is none, but for what is played on", () => {
    expect(deviceList([])).toMatchObject({ cameras: [], microphones: [], speakers: [{ id: "" }] });
  });

  it("are named once the page may use them, each once, the default marked", () => {
    const { microphones } = deviceList([
      listed("audioinput", "default", "Default - Shure MV7", "g2"),
      listed("audioinput", "communications", "Communications - Headset", "g1"),
      listed("audioinput", "a", "Headset", "g1"),
      listed("audioinput", "b", "Shure MV7", "g2"),
    ]);
    expect(microphones.map(({ id, name, is_default: usual }) => [id, name, usual])).toEqual([["a", "Headset", false], ["b", "Shure MV7", true]]);
  });

  it("have the first for the default where the browser names none", () => {
    const { cameras } = deviceList([listed("videoinput", "a", "Front"), listed("videoinput", "b", "Back")]);
    expect(cameras.map(({ is_default: usual }) => usual)).toEqual([true, false]);
  });
});

describe("opening a device", () => {
  it("takes exactly the chosen one, the default, or none", () => {
    expect(openingOf({ kind: "device", id: "a" })).toEqual({ deviceId: { exact: "a" } });
    expect(openingOf({ kind: "default" })).toEqual({});
    expect(openingOf({ kind: "device", id: "" })).toEqual({});
    expect(openingOf({ kind: "none" })).toBeNull();
    expect(openingOf({ kind: "test" })).toBeNull();
  });

  it.each([
    ["NotAllowedError", "blocked"], ["SecurityError", "blocked"], ["NotFoundError", "missing"], ["OverconstrainedError", "missing"],
    ["NotReadableError", "busy"], ["AbortError", "busy"], ["TypeError", "failed"],
  ])("that ends with %s is named: %s", (name, reason) => {
    expect(deviceProblem("camera", new DOMException("as it says", name))).toMatchObject({ kind: "camera", reason });
  });

  it("that fails in a way nobody knows says what the browser says", () => {
    expect(deviceProblem("microphone", new Error("pipe broken")).message).toContain("pipe broken");
    expect(deviceProblem("microphone", "odd").reason).toBe("failed");
  });
});

describe("the level of a microphone", () => {
  it("is linear in decibels, from -60 dB to full scale", () => {
    expect(meterLevel([])).toBe(0);
    expect(meterLevel(new Float32Array(64))).toBe(0);
    expect(meterLevel([1, -1, 1, -1])).toBe(1);
    expect(meterLevel([0.001, -0.001])).toBeCloseTo(0);
    expect(meterLevel([0.031623, -0.031623])).toBeCloseTo(0.5, 3);
  });
});
