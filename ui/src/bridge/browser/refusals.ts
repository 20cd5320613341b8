/** What a page in a browser refuses, with the sentence that says so. */
import { words, type Words } from "../../words";
import type { BridgeError } from "../commands";

/** A browser cannot do this; `what` chooses the sentence. */
export function notInBrowser(what: keyof Words["browser"]["cannot"]): BridgeError {
  return { code: "not_in_browser", message: words.browser.cannot[what], field: null };
}

export function notInCall(): BridgeError {
  return { code: "not_in_call", message: words.errors.not_in_call.title, field: null };
}
