/**
 * The bridge of a plain page in a browser: the protocol over a WebSocket of its own, devices and the media path by
 * WebRTC. What a browser cannot do is refused with `not_in_browser` and a sentence of the catalogue.
 */
import { version } from "../../../package.json";
import { words } from "../../words";
import type { Bridge, FrameChannel } from "../bridge";
import { copyText } from "../clipboard";
import { PREVIEW_TILE, type BridgeEvent, type CommandAnswer, type CommandArguments, type CommandName, type Commands, type DeviceChoices, type JoinOptions, type WindowMode } from "../commands";
import type { CallInput, CallOptions } from "./call/contract";
import { CallRunner } from "./call/runner";
import { parsedLink, parseMeetingLink, type ServerAddress } from "./link";
import { Capture } from "./media/capture";
import { deviceList } from "./media/devices";
import { Pictures } from "./media/pictures";
import { testSpeaker } from "./media/sound";
import { notInBrowser, notInCall } from "./refusals";
import { SettingsStore } from "./settings";
import { openedLink, reachable, settingsServer } from "./where";

type Handlers = { [Name in CommandName]: (input: Commands[Name]["arguments"]) => CommandAnswer<Name> | Promise<CommandAnswer<Name>> };

export class BrowserBridge implements Bridge {
  private readonly listeners = new Set<(event: BridgeEvent) => void>();
  private readonly settings = new SettingsStore(browserStorage());
  private readonly pictures = new Pictures();
  private preview: Capture | null = null;
  private runner: CallRunner | null = null;

  constructor() {
    // Not there on a page that came unencrypted.
    const devices: MediaDevices | undefined = navigator.mediaDevices;
    devices?.addEventListener("devicechange", () => void this.tellDevices());
    document.addEventListener("fullscreenchange", () => this.emit({ type: "window_mode", mode: shownMode() }));
    // The others see at once that a closed page is gone.
    window.addEventListener("pagehide", () => this.runner?.feed({ type: "leave" }));
  }

  async call<Name extends CommandName>(name: Name, input: CommandArguments<Name>): Promise<CommandAnswer<Name>> {
    return this.handlers[name](input);
  }

  subscribe(listener: (event: BridgeEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  openFrames(onFrame: (message: ArrayBuffer) => void): FrameChannel {
    return this.pictures.open(onFrame);
  }

  readonly copyText = copyText;

  async windowAction(): Promise<void> {
    throw notInBrowser("windowControls");
  }

  private emit(event: BridgeEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  private async tellDevices(): Promise<void> {
    this.emit({ type: "devices", devices: await listDevices() });
  }

  /** Tells the running call what happened or is wanted. */
  private feed(input: CallInput): null {
    this.running().feed(input);
    return null;
  }

  private running(): CallRunner {
    if (this.runner === null) throw notInCall();
    return this.runner;
  }

  private async startPreview(devices: DeviceChoices, cameraOn: boolean, microphoneOn: boolean): Promise<null> {
    const preview = this.preview ?? new Capture({
      event: (event) => { if (this.preview === preview) this.emit(event); },
      changed: () => { if (this.preview === preview) this.pictures.put(PREVIEW_TILE, preview.track("camera")); },
      named: () => void this.tellDevices(),
    }, this.settings.get().noise_removal);
    this.preview = preview;
    void preview.open("camera", cameraOn ? devices.camera : null);
    void preview.open("microphone", microphoneOn ? devices.microphone : null);
    return null;
  }

  private stopPreview(): null {
    const { preview } = this;
    this.preview = null;
    preview?.stop();
    this.pictures.put(PREVIEW_TILE, null);
    return null;
  }

  private async enter(server: ServerAddress, meeting: CallOptions["meeting"], options: JoinOptions): Promise<null> {
    const url = reachable(server, location);
    // The preview's devices are given back first: some cameras open only once.
    this.stopPreview();
    this.runner?.feed({ type: "leave" });
    const call = new CallRunner({ url, meeting, options, noiseRemoval: this.settings.get().noise_removal }, this.pictures, {
      event: (event) => { if (this.runner === call) this.emit(event); },
      named: () => void this.tellDevices(),
      over: () => { if (this.runner === call) this.runner = null; },
    });
    this.runner = call;
    await call.enter();
    return null;
  }

  private async olderChat(before: Commands["chat_older"]["arguments"]["before"]): Promise<Commands["chat_older"]["answer"]> {
    const page = await this.running().olderChat(before);
    if (page === null) throw { code: "server_unreachable", message: words.browser.olderMissing, field: null };
    return page;
  }

  private readonly handlers: Handlers = {
    app_info: () => ({ version, platform: "browser", window_controls: false, draws_pictures: false, opened_link: openedLink(location) }),
    settings_get: () => this.settings.get(),
    settings_set: ({ settings }) => { this.settings.set(settings); return null; },
    list_devices: () => listDevices(),
    parse_link: ({ text }) => parsedLink(text),
    preview_start: ({ devices, camera_on, microphone_on }) => this.startPreview(devices, camera_on, microphone_on),
    preview_stop: () => this.stopPreview(),
    meeting_start: ({ title, server, options }) => this.enter(settingsServer(server, location), { title }, options),
    meeting_join: ({ text, options }) => {
      const { server, code } = parseMeetingLink(text);
      return this.enter(server ?? settingsServer(this.settings.get().server, location), { code }, options);
    },
    call_leave: () => { this.runner?.feed({ type: "leave" }); return null; },
    set_microphone_on: async ({ on }) => { await this.running().setMicrophone(on); return null; },
    set_camera_on: async ({ on }) => { await this.running().setCamera(on); return null; },
    choose_devices: async ({ devices }) => {
      if (devices.camera.kind === "test" || devices.microphone.kind === "test") throw notInBrowser("testDevice");
      await this.running().choose(devices);
      return null;
    },
    list_share_sources: () => { throw notInBrowser("share"); },
    share_start: () => { throw notInBrowser("share"); },
    share_stop: () => { throw notInBrowser("share"); },
    hand_set: ({ raised }) => this.feed({ type: "hand", raised }),
    chat_send: ({ content }) => this.feed({ type: "say", content }),
    chat_older: ({ before }) => this.olderChat(before),
    view_set: ({ tiles }) => this.feed({ type: "view", tiles }),
    react: ({ reaction }) => this.feed({ type: "react", reaction }),
    stats_watch: () => { throw notInBrowser("statistics"); },
    noise_removal_set: async ({ on }) => {
      await Promise.all([this.runner?.setNoiseRemoval(on), this.preview?.setNoiseRemoval(on)]);
      return null;
    },
    speaker_test: async ({ speaker }) => { await testSpeaker(speaker); return null; },
    retry_now: () => this.feed({ type: "retry_now" }),
    host_status: () => { throw notInBrowser("host"); },
    host_start: () => { throw notInBrowser("host"); },
    host_stop: () => { throw notInBrowser("host"); },
    window_mode_set: ({ mode }) => setMode(mode),
    always_on_top_set: ({ on }) => { if (on) throw notInBrowser("onTop"); return null; },
    // A page that is loaded anew has left its call.
    window_state: () => ({ call: null, media: null, mode: shownMode() }),
    frame_socket: () => { throw notInBrowser("frames"); },
  };
}

/** Some browsers throw where they keep nothing for a page. */
function browserStorage(): Storage | null {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}

async function listDevices(): Promise<Commands["list_devices"]["answer"]> {
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  return deviceList(devices === undefined ? [] : await devices.enumerateDevices());
}

function shownMode(): WindowMode {
  // Where a page cannot have the whole screen, there is no such element at all.
  const element: Element | null | undefined = document.fullscreenElement;
  return element === null || element === undefined ? "normal" : "full_screen";
}

/** The event of the new mode comes from the browser, however it came to be. */
async function setMode(mode: WindowMode): Promise<null> {
  if (mode === "mini") throw notInBrowser("mini");
  try {
    if (mode === "full_screen") await document.documentElement.requestFullscreen();
    else if (shownMode() === "full_screen") await document.exitFullscreen();
  } catch {
    throw notInBrowser("fullScreen");
  }
  return null;
}
