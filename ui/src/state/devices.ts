/** What can be chosen, what is chosen, and what is wrong, of the devices. Pure. */
import type { Device, DeviceChoice, DeviceChoices, DeviceKind, DeviceList, DeviceProblem } from "../bridge/commands";
import { words } from "../words";
import { problemDetail } from "../words/errors";
import type { Problems } from "./app_state";

/** One line of a device list. */
export interface DeviceOption {
  /** A text for the choice, unique within its kind. */
  id: string;
  label: string;
  detail: string;
  choice: DeviceChoice;
  /** Chosen earlier and not there now: listed, dim. */
  gone: boolean;
}

/** The state of a dock toggle, told apart because a person does something different in each. `blocked`: it is there and cannot be used. */
export type ToggleState = "on" | "off" | "blocked" | "missing" | "pending";

export function devicesOf(devices: DeviceList, kind: DeviceKind): readonly Device[] {
  return kind === "camera" ? devices.cameras : kind === "microphone" ? devices.microphones : devices.speakers;
}

export function choiceId(choice: DeviceChoice): string {
  if (choice.kind === "device") return `device:${choice.id}`;
  return choice.kind === "file" ? `file:${choice.path}` : choice.kind;
}

/** Everything that can be chosen, the present choice among it even when its device is gone. `withTests`: there are a test picture and test speech. */
export function deviceOptions(devices: DeviceList, kind: DeviceKind, chosen: DeviceChoice, withTests = true): DeviceOption[] {
  const present = devicesOf(devices, kind);
  const option = (label: string, choice: DeviceChoice, detail = "", gone = false): DeviceOption =>
    ({ id: choiceId(choice), label, detail, choice, gone });
  const usual = present.find(({ is_default }) => is_default) ?? present[0];
  const options: DeviceOption[] = [];
  if (present.length > 0) options.push(option(words.devices.systemDefault(usual?.name || null), { kind: "default" }));
  for (const device of present) if (device.id !== "") options.push(option(device.name, { kind: "device", id: device.id }, device.detail));
  if (kind === "camera" && withTests) options.push(option(words.devices.testPicture, { kind: "test" }));
  if (kind === "microphone" && withTests) options.push(option(words.devices.testSound, { kind: "test" }));
  options.push(option(words.devices.none[kind], { kind: "none" }));
  if (chosen.kind === "file") options.push(option(words.devices.file(chosen.path), chosen));
  if (!options.some(({ id }) => id === choiceId(chosen))) {
    const label = chosen.kind === "device" ? chosen.id : words.devices.problem[kind].missing;
    options.unshift(option(label, chosen, words.devices.gone, true));
  }
  return options;
}

/** Whether there is anything this choice could open. */
export function isThere(devices: DeviceList, kind: DeviceKind, choice: DeviceChoice): boolean {
  if (choice.kind === "none") return false;
  if (choice.kind === "default") return devicesOf(devices, kind).length > 0;
  if (choice.kind === "device") return devicesOf(devices, kind).some(({ id }) => id === choice.id);
  return true;
}

/** What a toggle honestly is: what is true now, not what was asked for. */
export function toggleState(on: boolean, pending: boolean, there: boolean, problem: DeviceProblem | undefined): ToggleState {
  if (!there || problem?.reason === "missing" || problem?.reason === "lost") return "missing";
  if (problem !== undefined) return "blocked";
  if (pending) return "pending";
  return on ? "on" : "off";
}

/** The sentence about a device that does not work: what happened, and what it costs. */
export function problemWords(problem: DeviceProblem): { title: string; text: string } {
  return {
    title: `${words.devices.problem[problem.kind][problem.reason]}.`,
    text: [problemDetail(problem), words.devices.problemCost[problem.kind]].filter(Boolean).join(" "),
  };
}

/** Problems that came since the state before. */
export function newProblems(before: Problems, after: Problems): DeviceProblem[] {
  return Object.values(after).filter((problem) => {
    const known = before[problem.kind];
    return known === undefined || known.reason !== problem.reason || known.message !== problem.message;
  });
}

/** A device that appeared; a headset is one, though it is microphone and speaker. */
export interface NewDevice {
  name: string;
  devices: Partial<DeviceChoices>;
}

/** Devices that came since the list before. */
export function newDevices(before: DeviceList, after: DeviceList): NewDevice[] {
  const found = new Map<string, Partial<DeviceChoices>>();
  for (const kind of ["camera", "microphone", "speaker"] as const) {
    const known = new Set(devicesOf(before, kind).map(({ id }) => id));
    // A device without an id stood for those that are named only now; they were there before.
    if (known.has("")) continue;
    for (const { id, name } of devicesOf(after, kind)) {
      if (!known.has(id)) found.set(name, { ...found.get(name), [kind]: { kind: "device", id } });
    }
  }
  return [...found].map(([name, devices]) => ({ name, devices }));
}
