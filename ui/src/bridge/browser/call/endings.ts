/** How a call ended, as the window is told it. */
import { words } from "../../../words";
import type { BridgeError, CallPhase } from "../../commands";
import type { Ending } from "./life";

/** Why the first join did not come about. */
export function refusalOf(ending: Ending): BridgeError {
  switch (ending.kind) {
    case "refused":
      return { code: ending.code, message: ending.message, field: null };
    case "unreachable":
      return { code: "server_unreachable", message: words.browser.trouble[ending.trouble], field: null };
    case "failed":
      return { code: "media_failed", message: words.browser.trouble[ending.trouble], field: null };
    case "left":
      return { code: "not_in_call", message: words.browser.endedEarly, field: null };
  }
}

/** Why a call that was joined is over. */
export function endOf(ending: Ending): Omit<Extract<CallPhase, { phase: "ended" }>, "phase"> {
  switch (ending.kind) {
    case "left":
      return { reason: ending.reason === "gone" ? "timed_out" : ending.reason, message: "" };
    case "unreachable":
      return { reason: "server_gone", message: "" };
    case "refused":
      return { reason: "failed", message: ending.message, code: ending.code };
    case "failed":
      return { reason: "failed", message: words.browser.trouble[ending.trouble] };
  }
}
