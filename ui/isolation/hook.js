/**
 * The gate between the window and the program (Tauri's isolation pattern). Every call of the window passes through here, in a
 * sandboxed frame of another origin, before it is encrypted and handed on. What the window's own code never says is not handed
 * on: a command that is not in the table, an argument it does not have, another event than ours. The program's access list
 * stands behind it; this one also looks at arguments, and the window's scripts cannot reach it.
 */
"use strict";

/** Every command of `src-tauri/build.rs` with the names of its arguments, and the six of Tauri's own that the window uses. */
const COMMANDS = {
  app_info: [],
  settings_get: [],
  settings_set: ["settings"],
  list_devices: [],
  parse_link: ["text"],
  frame_socket: [],
  preview_start: ["devices", "camera_on", "microphone_on"],
  preview_stop: [],
  meeting_start: ["title", "server", "options"],
  meeting_join: ["text", "options"],
  call_leave: [],
  set_microphone_on: ["on"],
  set_camera_on: ["on"],
  choose_devices: ["devices"],
  list_share_sources: [],
  share_start: ["source_id"],
  share_stop: [],
  hand_set: ["raised"],
  chat_send: ["content"],
  chat_older: ["before"],
  view_set: ["tiles"],
  react: ["reaction"],
  stats_watch: ["on"],
  noise_removal_set: ["on"],
  retry_now: [],
  window_state: [],
  speaker_test: ["speaker"],
  host_status: [],
  host_start: [],
  host_stop: [],
  window_mode_set: ["mode"],
  always_on_top_set: ["on"],
  "plugin:event|listen": ["event", "target", "handler"],
  "plugin:event|unlisten": ["event", "eventId"],
  "plugin:window|minimize": ["label"],
  "plugin:window|toggle_maximize": ["label"],
  "plugin:window|close": ["label"],
  "plugin:window|start_dragging": ["label"],
};

/** The one channel of events; `EVENT_CHANNEL` of the contract. */
const EVENT = "confab://event";

/** Longest message, characters of JSON. The longest that is meant, a long chat message in settings' company, is under 16 Ki. */
const LONGEST = 65536;

/** A command nobody may call: the program's access list answers it, so that the caller hears of the refusal. */
const REFUSED = "refused_by_isolation";

/** Whether the window's own code could have said this. */
function allowed({ cmd, payload }) {
  if (typeof cmd !== "string" || !Object.hasOwn(COMMANDS, cmd)) return false;
  const given = payload ?? {};
  if (typeof given !== "object" || Array.isArray(given) || ArrayBuffer.isView(given) || given instanceof ArrayBuffer) return false;
  const names = COMMANDS[cmd];
  if (!Object.keys(given).every((name) => names.includes(name))) return false;
  if (cmd.startsWith("plugin:event|") && given.event !== EVENT) return false;
  if (cmd.startsWith("plugin:window|") && given.label !== undefined && given.label !== "main") return false;
  return JSON.stringify(given).length <= LONGEST;
}

window.__TAURI_ISOLATION_HOOK__ = (message) => {
  let fine = false;
  try {
    fine = allowed(message);
  } catch {
    // What cannot be written as JSON is nothing the window says.
  }
  return fine ? message : { ...message, cmd: REFUSED, payload: {} };
};
