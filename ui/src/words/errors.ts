/** What a refused command means to a person: what happened, why, and the one thing to do about it. */
import type { BridgeError, CallPhase, DeviceProblem, EndReason, NoticeCode } from "../bridge/commands";
import type { ErrorCode } from "../bridge/protocol.generated";
import { spoken, words, type Words } from "./index";

/** What the button under an error does. */
export type Remedy = keyof Words["remedies"] | "none";

export interface ErrorWords {
  title: string;
  /** The why. May be empty. */
  text: string;
  remedy: Remedy;
}

interface Kind {
  words: keyof Words["errors"];
  remedy: Remedy;
  /** The native side's sentence has facts the code has not (an address, a version), so it is the why. */
  facts?: boolean;
  /** The native side's sentence says more than the code, so in its own language it is all that is said. */
  native?: boolean;
}

const KINDS: Partial<Record<BridgeError["code"], Kind>> = {
  room_not_found: { words: "room_not_found", remedy: "check_code" },
  room_full: { words: "room_full", remedy: "try_again" },
  server_full: { words: "server_full", remedy: "try_again" },
  draining: { words: "draining", remedy: "try_again" },
  host_key_required: { words: "host_key_required", remedy: "change_server" },
  encryption_required: { words: "encryption_required", remedy: "ask_link" },
  server_unreachable: { words: "server_unreachable", remedy: "try_again", facts: true },
  server_unnamed: { words: "server_unnamed", remedy: "change_server" },
  server_untrusted: { words: "server_untrusted", remedy: "change_server", facts: true },
  certificate_mismatch: { words: "certificate_mismatch", remedy: "ask_link" },
  version_mismatch: { words: "version_mismatch", remedy: "none", facts: true },
  token_expired: { words: "token_invalid", remedy: "ask_link" },
  token_invalid: { words: "token_invalid", remedy: "ask_link" },
  token_foreign: { words: "token_invalid", remedy: "ask_link" },
  link_invalid: { words: "link_invalid", remedy: "ask_link", native: true },
  not_allowed: { words: "not_allowed", remedy: "none", facts: true },
  rate_limited: { words: "rate_limited", remedy: "try_again" },
  media_failed: { words: "media_failed", remedy: "try_again", facts: true },
  device_failed: { words: "device_failed", remedy: "try_again", facts: true, native: true },
  share_failed: { words: "share_failed", remedy: "try_again", facts: true, native: true },
  not_in_call: { words: "not_in_call", remedy: "try_again", native: true },
  session_gone: { words: "session_gone", remedy: "try_again", native: true },
  message_too_large: { words: "message_too_large", remedy: "try_again", native: true },
  storage_failed: { words: "storage_failed", remedy: "try_again", facts: true, native: true },
  window_failed: { words: "window_failed", remedy: "try_again", facts: true, native: true },
  outbox_full: { words: "outbox_full", remedy: "none" },
  // The page in a browser says its sentence in the language of the window.
  not_in_browser: { words: "not_in_browser", remedy: "none", facts: true },
};

const UNKNOWN: Kind = { words: "unknown", remedy: "try_again", facts: true, native: true };

/** The native side speaks English only. */
const nativeSpeaksIt = (): boolean => spoken().language === "en";

/** The words for an error; `subject` is the code or link the person used, when there is one. */
export function errorWords(error: BridgeError, subject: string | null): ErrorWords {
  const kind = KINDS[error.code] ?? UNKNOWN;
  const own = words.errors[kind.words];
  // Who joins by a link was told by it which server it is; who starts a meeting, by the settings.
  const remedy = kind.words === "server_untrusted" && subject !== null ? "ask_link" : kind.remedy;
  if (kind.native === true && nativeSpeaksIt() && error.message !== "") return { title: error.message, text: "", remedy };
  const title = kind.words === "room_not_found" && subject !== null ? words.noMeetingWithCode(subject, error.server ?? null) : own.title;
  return { title, text: kind.facts === true && error.message !== "" ? error.message : own.text, remedy };
}

/** A refusal as a toast or a line says it: the native sentence where the window speaks its language. */
export function refusalWords(error: BridgeError): { message: string; detail: string } {
  if (nativeSpeaksIt() && error.message !== "") return { message: error.message, detail: "" };
  const { title, text } = errorWords(error, null);
  return { message: title, detail: text };
}

/** The same where there is room for one line only. */
export function refusalLine(error: BridgeError): string {
  const { message, detail } = refusalWords(error);
  return detail === "" ? message : `${message} ${detail}`;
}

/** Why a device does not work, beyond its reason. In another language only what the reason does not tell. */
export function problemDetail({ reason, message }: DeviceProblem): string {
  return nativeSpeaksIt() || reason === "failed" || reason === "busy" ? message : "";
}

/** Reasons that say all there is to say: the native side's sentence would say it a second time. */
const TOLD: readonly EndReason[] = ["left", "removed", "replaced"];

/**
 * Why a call is over. `failed` alone leaves the cause open; the server's `code` tells it then. `others`: somebody
 * else was still there.
 */
export function endWords(reason: EndReason, message: string, code: ErrorCode | null = null, others = false): { title: string; text: string } {
  const [title, usual] = words.ended[reason];
  if (TOLD.includes(reason)) return { title, text: reason === "left" && !others ? "" : usual };
  if (reason === "failed" && code !== null) return { title, text: refusalLine({ code, message, field: null }) };
  return { title, text: message !== "" && (nativeSpeaksIt() || reason === "failed") ? message : usual };
}

/** A notice of the native side, in the window's own words where its code is known. */
export function noticeWords({ message, code, subject }: { message: string; code?: NoticeCode; subject?: string }): { message: string; detail: string } {
  if (code === undefined) return { message, detail: "" };
  if (code === "talking_while_muted") return { message: words.notices.talkingWhileMuted, detail: "" };
  if (code === "device_restored") return { message: words.notices.deviceRestored(subject ?? null), detail: words.notices.deviceRestoredText };
  return refusalWords({ code, message, field: null });
}

/** Why the connection is away. */
export function troubleWords({ code, message }: Extract<CallPhase, { phase: "reconnecting" }>): string {
  return code === undefined ? message : words.reconnecting.why[code] ?? message;
}
