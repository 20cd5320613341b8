/** What the person can do: each act goes over the bridge, and what comes back goes into the state. */
import { asBridgeError, type Bridge } from "../bridge/bridge";
import type { BridgeEvent, CommandAnswer, CommandArguments, CommandName, DeviceChoices, ParsedLink, Settings, WindowMode } from "../bridge/commands";
import { words } from "../words";
import { DEFAULT_SETTINGS, initialState, reduce, withRecent, type AppAction, type AppState, type Intent } from "./app_state";
import { LevelSignal } from "./level";

export class Session {
  readonly level = new LevelSignal();
  private current: AppState;
  private readonly listeners = new Set<() => void>();

  constructor(readonly bridge: Bridge, state: AppState) {
    this.current = state;
    bridge.subscribe((event) => this.hear(event));
  }

  /** Asks the native side for what it knows, then hears its events. */
  static async open(bridge: Bridge): Promise<Session> {
    const [info, settings, devices] = await Promise.all([
      bridge.call("app_info", {}),
      bridge.call("settings_get", {}).catch(() => DEFAULT_SETTINGS),
      bridge.call("list_devices", {}).catch(() => ({ cameras: [], microphones: [], speakers: [] })),
    ]);
    const session = new Session(bridge, initialState(info, settings, devices));
    if (info.opened_link !== null) void session.openLink(info.opened_link);
    return session;
  }

  get state(): AppState {
    return this.current;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly dispatch = (event: AppAction | BridgeEvent): void => {
    const next = reduce(this.current, event);
    if (next === this.current) return;
    this.current = next;
    for (const listener of this.listeners) listener();
  };

  private hear(event: BridgeEvent): void {
    if (event.type === "levels") this.level.set(event.microphone);
    else if (event.type === "link_opened") void this.openLink(event.text);
    else {
      this.dispatch(event);
      if (event.type === "call_joined") this.remember();
    }
  }

  /** Joined meetings stay in the list of recent ones. */
  private remember(): void {
    const { call, settings } = this.current;
    if (call === null) return;
    const { code, title, link } = call;
    void this.saveSettings(withRecent(settings, { code, title, link, joined_at: Date.now() }));
  }

  openPreview(intent: Intent): void {
    this.dispatch({ type: "preview_opened", intent });
  }

  /** Reads what a person pasted or typed. Rejects with a `BridgeError` whose message says what is wrong with it. */
  parseLink(text: string): Promise<ParsedLink> {
    return this.bridge.call("parse_link", { text });
  }

  private async openLink(text: string): Promise<void> {
    if (this.current.call !== null) return;
    try {
      this.openPreview({ kind: "join", link: await this.parseLink(text), title: "" });
    } catch (thrown) {
      this.dispatch({ type: "toast_shown", toast: { tone: "warn", message: asBridgeError(thrown).message } });
    }
  }

  /** Enters the meeting of the preview screen. The call begins with the event `call_joined`. */
  async enter(): Promise<void> {
    const { screen, settings } = this.current;
    if (screen.name !== "preview" || screen.busy) return;
    this.dispatch({ type: "join_began" });
    const { name, devices, microphone_on, camera_on } = settings;
    const options = { name: name.trim(), devices, microphone_on, camera_on };
    try {
      if (screen.intent.kind === "start") {
        await this.bridge.call("meeting_start", { title: screen.intent.title.trim(), server: settings.server, options });
      } else {
        await this.bridge.call("meeting_join", { text: screen.intent.link.join_text, options });
      }
    } catch (thrown) {
      this.dispatch({ type: "join_refused", error: asBridgeError(thrown) });
    }
  }

  /** Changes settings here at once and keeps them. */
  async saveSettings(settings: Settings): Promise<void> {
    this.dispatch({ type: "settings_changed", settings });
    try {
      await this.bridge.call("settings_set", { settings });
    } catch {
      this.dispatch({ type: "toast_shown", toast: { tone: "warn", message: words.settings.notSaved } });
    }
  }

  /** Chooses devices; in a call they change at once, before one the preview opens them anew. */
  async chooseDevices(change: Partial<DeviceChoices>): Promise<void> {
    const devices = { ...this.current.settings.devices, ...change };
    const settings = { ...this.current.settings, devices };
    this.dispatch({ type: "settings_changed", settings });
    for (const kind of ["camera", "microphone", "speaker"] as const) {
      if (kind in change) this.dispatch({ type: "device_problem", kind, problem: null });
    }
    // The running call first: it compares with the settings from before.
    if (this.current.call !== null) await this.run("choose_devices", { devices });
    await this.saveSettings({ ...this.current.settings, devices });
  }

  /** Opens the devices of the settings before joining, anew with every call. */
  async preview(): Promise<void> {
    const { devices, camera_on, microphone_on } = this.current.settings;
    this.dispatch({ type: "device_problem", kind: "camera", problem: null });
    this.dispatch({ type: "device_problem", kind: "microphone", problem: null });
    await this.run("preview_start", { devices, camera_on, microphone_on });
  }

  /** Runs a command whose failure is told in a toast. Resolves to `null` then. */
  async run<Name extends CommandName>(name: Name, input: CommandArguments<Name>): Promise<CommandAnswer<Name> | null> {
    try {
      return await this.bridge.call(name, input);
    } catch (thrown) {
      this.dispatch({ type: "toast_shown", toast: { tone: "warn", message: asBridgeError(thrown).message } });
      return null;
    }
  }

  /** Runs a command whose answer does not matter. Resolves to whether it was done; if not, a toast says why. */
  async attempt<Name extends CommandName>(name: Name, input: CommandArguments<Name>): Promise<boolean> {
    try {
      await this.bridge.call(name, input);
      return true;
    } catch (thrown) {
      this.dispatch({ type: "toast_shown", toast: { tone: "warn", message: asBridgeError(thrown).message } });
      return false;
    }
  }

  /** Changes some settings and keeps them. */
  async changeSettings(change: Partial<Settings>): Promise<void> {
    await this.saveSettings({ ...this.current.settings, ...change });
  }

  /** The window's mode changes with the event that answers; the same mode again goes back to normal. */
  async toggleWindowMode(mode: Exclude<WindowMode, "normal">): Promise<void> {
    await this.run("window_mode_set", { mode: this.current.windowMode === mode ? "normal" : mode });
  }

  async copyLink(): Promise<void> {
    const link = this.current.call?.link ?? "";
    try {
      await this.bridge.copyText(link);
      this.dispatch({ type: "toast_shown", toast: { tone: "ok", message: words.call.linkCopied, detail: link } });
    } catch {
      this.dispatch({ type: "toast_shown", toast: { tone: "warn", message: words.call.linkNotCopied, detail: link, sticky: true } });
    }
  }

  async sendMessage(content: string): Promise<void> {
    const local = this.current.call?.chatState.nextLocal;
    if (local === undefined) return;
    this.dispatch({ type: "message_written", content });
    await this.transmit(local, content);
  }

  async sendAgain(local: number): Promise<void> {
    const message = this.current.call?.chatState.pending.find((pending) => pending.local === local);
    if (message === undefined) return;
    this.dispatch({ type: "message_retried", local });
    await this.transmit(local, message.content);
  }

  private async transmit(local: number, content: string): Promise<void> {
    try {
      await this.bridge.call("chat_send", { content });
    } catch (thrown) {
      this.dispatch({ type: "message_refused", local, reason: asBridgeError(thrown).message });
    }
  }

  async loadOlder(): Promise<void> {
    const chat = this.current.call?.chatState;
    if (chat === undefined || chat.older === "loading") return;
    this.dispatch({ type: "older_requested" });
    try {
      const page = await this.bridge.call("chat_older", { before: chat.messages[0]?.id ?? null });
      this.dispatch({ type: "older_came", messages: page.messages, more: page.more });
    } catch {
      this.dispatch({ type: "older_failed" });
    }
  }

  async leave(): Promise<void> {
    await this.run("call_leave", {});
    // The call ends with its own event; if the native side is silent, leaving still leaves.
    this.dispatch({ type: "call_phase", phase: { phase: "ended", reason: "left", message: "" } });
  }
}
