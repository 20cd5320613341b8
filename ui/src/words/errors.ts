/** What a refused command means to a person: what happened, why, and the one thing to do about it. */
import type { BridgeError } from "../bridge/commands";

/** What the button under an error does. */
export type Remedy = "check_code" | "try_again" | "change_server" | "ask_link" | "none";

export interface ErrorWords {
  title: string;
  /** The why. May be empty. */
  text: string;
  remedy: Remedy;
}

export const remedyWords: Record<Exclude<Remedy, "none">, string> = {
  check_code: "Check the code",
  try_again: "Try again",
  change_server: "Change the server",
  ask_link: "Enter another link",
};

/** The words for an error; `subject` is the code or link the person used, when there is one. */
export function errorWords(error: BridgeError, subject: string | null): ErrorWords {
  switch (error.code) {
    case "room_not_found":
      return {
        title: subject === null ? "This meeting does not exist." : `No meeting has the code ${subject}.`,
        text: "It may have ended, or a word differs.",
        remedy: "check_code",
      };
    case "room_full":
      return { title: "The meeting is full.", text: "It has as many people as it may. Somebody has to leave first.", remedy: "try_again" };
    case "server_full":
      return { title: "The server is full.", text: "It carries as many calls as it can. Try again in a few minutes.", remedy: "try_again" };
    case "draining":
      return { title: "The server is about to stop.", text: "It begins no meetings any more. Try again in a few minutes.", remedy: "try_again" };
    case "host_key_required":
      return { title: "This server does not let you make meetings.", text: "Its owner has not opened it for your network yet.", remedy: "change_server" };
    case "encryption_required":
      return { title: "This server takes encrypted connections only.", text: "Use its whole meeting link, which begins with https.", remedy: "ask_link" };
    case "server_unreachable":
      return { title: "The server does not answer.", text: error.message, remedy: "try_again" };
    case "certificate_mismatch":
      return { title: "This is not the server the link names.", text: "Its certificate is another one. Ask for the link again.", remedy: "ask_link" };
    case "version_mismatch":
      return { title: "This server speaks another version of Confab.", text: error.message, remedy: "none" };
    case "token_expired":
    case "token_invalid":
    case "token_foreign":
      return { title: "This invitation does not hold any more.", text: "Ask for a new link.", remedy: "ask_link" };
    case "link_invalid":
      return { title: error.message, text: "", remedy: "ask_link" };
    case "not_allowed":
      return { title: "You may not do this here.", text: error.message, remedy: "none" };
    case "rate_limited":
      return { title: "That was too much at once.", text: "The server takes only so much in a second.", remedy: "try_again" };
    case "media_failed":
      return { title: "Sound and picture found no way to the server.", text: error.message, remedy: "try_again" };
    default:
      return { title: error.message === "" ? "That did not work, and we do not know why." : error.message, text: "", remedy: "try_again" };
  }
}
