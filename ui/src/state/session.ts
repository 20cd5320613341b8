/** What the person can do: each act goes over the bridge, and what comes back goes into the state. */
import { asBridgeError, type Bridge } from "../bridge/bridge";
import type { BridgeEvent, CommandAnswer, CommandArguments, CommandName, DeviceChoices, DeviceList, ParsedLink, RecentMeeting, Settings, WindowMode } from "../bridge/commands";
import { speak, words } from "../words";
import { noticeWords, refusalLine, refusalWords } from "../words/errors";
import {
  canOpenLink, DEFAULT_SETTINGS, initialState, reduce, switchedOn, withoutRecent, withRecent,
  type AppAction, type AppState, type Intent, type Opener, type OwnDevice, type SettingsSection,
} from "./app_state";
import { newDevices } from "./devices";
import { textAtHost } from "./hosted_here";
import { LevelSignal } from "./level";
import { adviceForOthers, worksHereOnly } from "./reach";

/** Of what a person pasted, so many UTF-16 units are read: no link is longer, and the gate refuses a whole page unread. */
const LONGEST_LINK = 4_096;

/** Whether the window is to stay above others: that of a call, when the person wants it so. */
function staysAbove({ call, settings }: AppState): boolean {
  return call !== null && settings.always_on_top;
}

export class Session {
  readonly level = new LevelSignal();
  private current: AppState;
  private readonly listeners = new Set<() => void>();
  /** Names of devices that were offered, so that each is offered once. */
  private readonly offered = new Set<string>();
  /** A link that was opened when it could not take the window. It is offered as soon as it can. */
  private waitingLink: ParsedLink | null = null;
  /** Tries to join so far. */
  private attempts = 0;
  /** What went on before this window was loaded is known here. */
  private caughtUp = false;

  constructor(readonly bridge: Bridge, state: AppState) {
    this.current = state;
    speak(state.settings.language);
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
    try {
      await session.catchUp();
    } finally {
      session.caughtUp = true;
    }
    if (info.opened_link !== null) void session.openLink(info.opened_link);
    return session;
  }

  /** What goes on already, when the window was loaded anew. Asked once events are heard, so that none falls between. */
  private async catchUp(): Promise<void> {
    const [host, running] = await Promise.all([
      this.bridge.call("host_status", {}).catch(() => null),
      this.bridge.call("window_state", {}).catch(() => null),
    ]);
    if (host !== null && this.current.host === null) this.dispatch({ type: "host", host });
    if (running === null) return;
    if (running.mode !== this.current.windowMode) this.dispatch({ type: "window_mode", mode: running.mode });
    if (running.call === null || this.current.call !== null) return;
    this.dispatch({ type: "call_joined", call: running.call });
    if (running.media !== null) this.dispatch({ type: "own_media", media: running.media });
    const { phase, quality } = running;
    if (phase !== undefined && phase !== null) this.dispatch({ type: "call_phase", phase });
    if (quality !== undefined) this.dispatch({ type: "quality", people: quality });
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
    const { language } = this.current.settings;
    const wasAbove = staysAbove(this.current);
    this.current = next;
    // Before anybody is told: whoever is drawn by this change says it the new way.
    if (next.settings.language !== language) speak(next.settings.language);
    if (staysAbove(next) !== wasAbove) void this.run("always_on_top_set", { on: !wasAbove });
    for (const listener of this.listeners) listener();
    this.offerLink();
  };

  private hear(event: BridgeEvent): void {
    if (event.type === "levels") this.level.set(event.microphone);
    else if (event.type === "link_opened") void this.openLink(event.text);
    else if (event.type === "notice") this.dispatch({ type: "toast_shown", toast: { tone: event.tone, ...noticeWords(event) } });
    else if (event.type === "chat_refused" && event.code !== undefined) {
      this.dispatch({ ...event, reason: refusalLine({ code: event.code, message: event.reason, field: null }) });
    } else if (event.type === "call_joined" && !this.awaitsCall()) {
      // The person went back while the join was under way.
      void this.bridge.call("call_leave", {}).catch(() => undefined);
    } else {
      if (event.type === "devices") this.offerNew(event.devices);
      this.dispatch(event);
      if (event.type === "call_joined") this.remember();
    }
  }

  /** A new device is offered once, where devices are in use; the person alone changes them. */
  private offerNew(devices: DeviceList): void {
    const { screen, devices: before } = this.current;
    if (screen.name !== "preview" && screen.name !== "call") return;
    for (const { name, devices: choice } of newDevices(before, devices)) {
      if (this.offered.has(name)) continue;
      this.offered.add(name);
      const action = { label: words.devices.useNewDevice, does: "choose", devices: choice } as const;
      this.dispatch({
        type: "toast_shown",
        toast: { tone: "info", message: words.devices.newDevice(name), detail: words.devices.newDeviceText, sticky: true, action },
      });
    }
  }

  /** Joined meetings stay in the list of recent ones. */
  private remember(): void {
    const { call, settings } = this.current;
    if (call === null) return;
    const { code, title, link } = call;
    void this.saveSettings(withRecent(settings, { code, title, link, joined_at: Date.now() }));
  }

  /** Whether a call that begins now is one the person asked for: before all is known it may be one that is taken up again. */
  private awaitsCall(): boolean {
    const { call, screen } = this.current;
    return !this.caughtUp || call !== null || (screen.name === "preview" && screen.busy);
  }

  /** A preview that a link opened has its devices off until the person turns them on. */
  openPreview(intent: Intent, by: "link" | "person" = "person"): void {
    this.dispatch({ type: "preview_opened", intent, by });
  }

  /** Back from the preview; a join under way is given up. `entered` is put into the field for a link or code. */
  leavePreview(entered?: string): void {
    const { screen } = this.current;
    this.dispatch({ type: "home_opened", entered });
    if (screen.name === "preview" && screen.busy) void this.bridge.call("call_leave", {}).catch(() => undefined);
  }

  /** Turns devices of the preview on or off, as the person joins with them. */
  async switchDevices(devices: readonly OwnDevice[], on: boolean): Promise<void> {
    const change: Partial<Settings> = {};
    if (devices.includes("camera")) change.camera_on = on;
    if (devices.includes("microphone")) change.microphone_on = on;
    this.dispatch({ type: "settings_changed", settings: { ...this.current.settings, ...change } });
    if (on) this.dispatch({ type: "devices_woken", devices });
    await this.saveSettings(this.current.settings);
  }

  /** Reads what a person pasted or typed. Rejects with a `BridgeError` whose message says what is wrong with it. */
  parseLink(text: string): Promise<ParsedLink> {
    return this.bridge.call("parse_link", { text: text.slice(0, LONGEST_LINK) });
  }

  private async openLink(text: string): Promise<void> {
    try {
      this.takeLink(await this.parseLink(text));
    } catch (thrown) {
      this.dispatch({ type: "toast_shown", toast: { tone: "warn", ...refusalWords(asBridgeError(thrown)) } });
    }
  }

  /** A link never takes the place of what a person does: of a call, a join or a preview. */
  private takeLink(link: ParsedLink): void {
    const { call, screen } = this.current;
    const shown = call?.code ?? (screen.name === "preview" && screen.intent.kind === "join" ? screen.intent.link.code : null);
    if (shown === link.code) this.dispatch({ type: "toast_shown", toast: { tone: "info", message: words.call.linkOfThisCall } });
    else if (canOpenLink(this.current) && screen.name !== "preview") this.openPreview({ kind: "join", link, title: "" }, "link");
    else {
      this.waitingLink = link;
      if (canOpenLink(this.current)) this.offerLink();
      else {
        const detail = call === null ? words.call.linkWhileJoiningText : words.call.linkInCallText;
        this.dispatch({ type: "toast_shown", toast: { tone: "info", message: words.call.linkOpened(link.code), detail } });
      }
    }
  }

  /** Shows the choice to open the link that waits, once it is possible. */
  private offerLink(): void {
    const link = this.waitingLink;
    if (link === null || !canOpenLink(this.current)) return;
    this.waitingLink = null;
    const action = { label: words.call.openLink, does: "open_link", link } as const;
    this.dispatch({
      type: "toast_shown",
      toast: { tone: "info", message: words.call.linkOpened(link.code), detail: words.call.linkOfferText, sticky: true, action },
    });
  }

  /** The person chose to open a link that was offered; meanwhile they may have begun something else. */
  openOfferedLink(link: ParsedLink): void {
    if (canOpenLink(this.current)) this.openPreview({ kind: "join", link, title: "" }, "link");
    else this.takeLink(link);
  }

  /** Enters the meeting of the preview screen. The call begins with the event `call_joined`. */
  async enter(): Promise<void> {
    const { screen, settings } = this.current;
    if (screen.name !== "preview" || screen.busy) return;
    this.attempts += 1;
    const attempt = this.attempts;
    const camera_on = switchedOn(this.current, "camera");
    const microphone_on = switchedOn(this.current, "microphone");
    this.dispatch({ type: "join_began", attempt });
    const { name, devices } = settings;
    const options = { name: name.trim(), devices, microphone_on, camera_on };
    try {
      if (screen.intent.kind === "start") {
        await this.bridge.call("meeting_start", { title: screen.intent.title.trim(), server: settings.server, options });
      } else {
        await this.bridge.call("meeting_join", { text: screen.intent.link.join_text, options });
      }
    } catch (thrown) {
      this.dispatch({ type: "join_refused", attempt, error: asBridgeError(thrown) });
    }
  }

  /** Enters the meeting of the preview on the server in this program, which is started if need be. */
  async enterHere(): Promise<void> {
    const { attempt } = this.preparing() ?? {};
    if (this.current.host?.running !== true) await this.setHosting(true);
    const { host } = this.current;
    const screen = this.preparing();
    // Meanwhile the person may have gone back, or to another meeting.
    if (host?.running !== true || screen?.intent.kind !== "join" || screen.attempt !== attempt) return;
    try {
      this.dispatch({ type: "link_moved", link: await this.parseLink(textAtHost(screen.intent.link, host)) });
    } catch (thrown) {
      this.dispatch({ type: "join_refused", attempt: screen.attempt, error: asBridgeError(thrown) });
      return;
    }
    await this.enter();
  }

  private preparing(): Extract<AppState["screen"], { name: "preview" }> | null {
    const { screen } = this.current;
    return screen.name === "preview" ? screen : null;
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

  /** Changes some of the settings, the others as they are now. */
  changeSettings(change: Partial<Settings>): Promise<void> {
    return this.saveSettings({ ...this.current.settings, ...change });
  }

  /** Shows the settings: over a preview or call as a dialog, else as a screen that gives the focus back to its opener. */
  openSettings(section: SettingsSection = "sound", opener: Opener = "settings"): void {
    this.dispatch({ type: "settings_opened", section, opener });
  }

  closeSettings(): void {
    this.dispatch({ type: "settings_closed" });
  }

  /** Takes a meeting from the list of recent ones, or all. */
  forgetMeeting(code: RecentMeeting["code"] | null): Promise<void> {
    return this.saveSettings(withoutRecent(this.current.settings, code));
  }

  async setNoiseRemoval(on: boolean): Promise<void> {
    await this.changeSettings({ noise_removal: on });
    await this.run("noise_removal_set", { on });
  }

  /** Plays a sound on the chosen speaker; resolves when it was played. */
  async testSpeaker(): Promise<void> {
    try {
      await this.bridge.call("speaker_test", { speaker: this.current.settings.devices.speaker });
    } catch (thrown) {
      const detail = asBridgeError(thrown).message;
      this.dispatch({ type: "toast_shown", toast: { tone: "warn", message: words.settings.sound.speakerProblem, detail } });
    }
  }

  async setHosting(on: boolean): Promise<void> {
    const host = await this.run(on ? "host_start" : "host_stop", {});
    if (host !== null) this.dispatch({ type: "host", host });
  }

  /** Copies a text and tells whether it was done. What the text is not good for, with what to do, is the `warning`. */
  async copy(text: string, done: string, notDone: string, warning = ""): Promise<void> {
    const detail = warning === "" ? text : `${text}\n${warning}`;
    try {
      await this.bridge.copyText(text);
      const tone = warning === "" ? "ok" : "warn";
      this.dispatch({ type: "toast_shown", toast: { tone, message: done, detail, sticky: warning !== "" } });
    } catch {
      this.dispatch({ type: "toast_shown", toast: { tone: "warn", message: notDone, detail, sticky: true } });
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

  /** Opens the devices of the settings before joining, anew with every call. A trial opens both even when they are off. */
  async preview(trial = false): Promise<void> {
    const { devices } = this.current.settings;
    const camera_on = switchedOn(this.current, "camera") || trial;
    const microphone_on = switchedOn(this.current, "microphone") || trial;
    this.dispatch({ type: "device_problem", kind: "camera", problem: null });
    this.dispatch({ type: "device_problem", kind: "microphone", problem: null });
    await this.run("preview_start", { devices, camera_on, microphone_on });
  }

  /** Runs a command whose failure is told in a toast. Resolves to `null` then. */
  async run<Name extends CommandName>(name: Name, input: CommandArguments<Name>): Promise<CommandAnswer<Name> | null> {
    return (await this.tell(name, input))?.answer ?? null;
  }

  /** The same for a command whose answer does not matter. Resolves to whether it was done. */
  async attempt<Name extends CommandName>(name: Name, input: CommandArguments<Name>): Promise<boolean> {
    return (await this.tell(name, input)) !== null;
  }

  private async tell<Name extends CommandName>(name: Name, input: CommandArguments<Name>): Promise<{ answer: CommandAnswer<Name> } | null> {
    try {
      return { answer: await this.bridge.call(name, input) };
    } catch (thrown) {
      this.dispatch({ type: "toast_shown", toast: { tone: "warn", ...refusalWords(asBridgeError(thrown)) } });
      return null;
    }
  }

  /** The window's mode changes with the event that answers; the same mode again goes back to normal. */
  async toggleWindowMode(mode: Exclude<WindowMode, "normal">): Promise<void> {
    await this.run("window_mode_set", { mode: this.current.windowMode === mode ? "normal" : mode });
  }

  async copyLink(): Promise<void> {
    const link = this.current.call?.link ?? "";
    const text = words.call;
    if (worksHereOnly(link)) await this.copy(link, text.linkCopiedHereOnly, text.linkNotCopied, adviceForOthers(this.current));
    else await this.copy(link, text.linkCopied, text.linkNotCopied);
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
      this.dispatch({ type: "message_refused", local, reason: refusalLine(asBridgeError(thrown)) });
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
