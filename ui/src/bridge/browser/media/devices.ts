/** What a browser tells of devices, as the window wants it, and what is wrong with one. Pure. */
import { words } from "../../../words";
import type { Device, DeviceChoice, DeviceKind, DeviceList, DeviceProblem } from "../../commands";

/** As much of a `MediaDeviceInfo` as is needed. */
export type Listed = Pick<MediaDeviceInfo, "deviceId" | "groupId" | "kind" | "label">;

/** Chromium lists these beside the devices they stand for. */
const STAND_INS = ["default", "communications"];

/**
 * The devices of a browser's list. Before a page may use a kind of device, the browser tells only that there is one: it
 * has no id and no name then, and stands for the default.
 */
export function deviceList(listed: readonly Listed[]): DeviceList {
  const speakers = devicesOf(listed, "audiooutput");
  return {
    cameras: devicesOf(listed, "videoinput"),
    microphones: devicesOf(listed, "audioinput"),
    // Some browsers never list what they play on; they play all the same.
    speakers: speakers.length === 0 ? [UNNAMED] : speakers,
  };
}

const UNNAMED: Device = { id: "", name: "", is_default: true, detail: "" };

function devicesOf(listed: readonly Listed[], kind: MediaDeviceKind): Device[] {
  const all = listed.filter((device) => device.kind === kind);
  const named = all.filter(({ deviceId }) => deviceId !== "" && !STAND_INS.includes(deviceId));
  if (named.length === 0) return all.length === 0 ? [] : [UNNAMED];
  const usual = all.find(({ deviceId }) => deviceId === "default");
  const first = named.find(({ groupId, label }) => usual !== undefined && groupId === usual.groupId && usual.label.endsWith(label)) ?? named[0];
  return named.map((device) => ({ id: device.deviceId, name: device.label === "" ? device.deviceId.slice(0, 8) : device.label, is_default: device === first, detail: "" }));
}

/** What is to be opened for a choice; `null` for nothing. Test devices and files are the native side's. */
export type Opening = { deviceId?: { exact: string } } | null;

export function openingOf(choice: DeviceChoice): Opening {
  switch (choice.kind) {
    case "device":
      return choice.id === "" ? {} : { deviceId: { exact: choice.id } };
    case "default":
      return {};
    case "none":
    case "file":
    case "test":
      return null;
  }
}

/** Why a device did not open, from what the browser threw (W3C Media Capture, section 10.2.1). */
export function deviceProblem(kind: DeviceKind, thrown: unknown): DeviceProblem {
  const { name, message } = thrown instanceof Error || thrown instanceof DOMException ? thrown : { name: "", message: String(thrown) };
  const text = words.browser.device;
  const problem = (reason: DeviceProblem["reason"], why: string): DeviceProblem => ({ kind, reason, message: why, device: null });
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return problem("blocked", text.blocked);
    // A chosen device that is not there does not satisfy what was asked for.
    case "NotFoundError":
    case "OverconstrainedError":
      return problem("missing", text.missing);
    case "NotReadableError":
    case "AbortError":
      return problem("busy", text.busy);
    default:
      return problem("failed", text.failed(message));
  }
}

/** A device that worked and stopped. */
export function lostDevice(kind: DeviceKind): DeviceProblem {
  return { kind, reason: "lost", message: words.browser.device.lost, device: null };
}

/** The page came unencrypted, so the browser has no devices for it at all. */
export function noDevices(kind: DeviceKind): DeviceProblem {
  return { kind, reason: "blocked", message: words.browser.device.insecure, device: null };
}

/** The level of a meter, 0 (-60 dB of full scale and less) to 1 (full scale), of samples from -1 to 1. */
export function meterLevel(samples: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < samples.length; index += 1) sum += (samples[index] ?? 0) ** 2;
  if (sum === 0 || samples.length === 0) return 0;
  const decibels = 10 * Math.log10(sum / samples.length);
  return Math.min(1, Math.max(0, 1 + decibels / 60));
}
