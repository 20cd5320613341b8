/**
 * Meeting links and codes, as `crates/protocol/src/link.rs` reads them:
 *
 * ```text
 * code  = word "-" word "-" number          ; a-z in words, 2 to 12 letters; number 2 to 6 digits
 * https = "http" ["s"] "://" host [":" port] "/m/" code ["#fp=" 64hex]
 * app   = "confab://" host [":" port] "/m/" code ["#fp=" 64hex | "#plain" | "#tls"]
 * bare  = code                              ; the server of the settings
 * ```
 */
import { words } from "../../words";
import type { BridgeError, ParsedLink } from "../commands";
import type { RoomCode } from "../protocol.generated";

/** Where a server listens when nobody says otherwise. */
const DEFAULT_PORT = 8003;

/** Of what a person typed, which may be a whole page, an error repeats so many letters. */
const REPEATED_LETTERS = 40;

/** A server as a link names it. */
export interface ServerAddress {
  /** Host name or address; IPv6 in brackets. */
  host: string;
  port: number;
  /** TLS or plain. */
  secure: boolean;
  /** SHA-256 of a self-made certificate, lower-case hexadecimal. */
  fingerprint: string | null;
}

export interface MeetingLink {
  /** Where the room is; `null` for a bare code. */
  server: ServerAddress | null;
  code: RoomCode;
}

/** Reads a link or a bare code, as a person pastes or types it. Throws a `BridgeError` that says what is wrong. */
export function parseMeetingLink(entered: string): MeetingLink {
  const text = entered.trim();
  if (text === "") throw refusal(words.browser.link.empty);
  if (!text.includes("://")) {
    const [host, ...rest] = text.split("/m/");
    if (host === undefined || rest.length === 0) return { server: null, code: parseCode(text) };
    return { server: parseServerAddress(host), code: parseCode(rest.join("/m/")) };
  }
  const link = split(text);
  const server = addressOf(link);
  if (!link.path.startsWith("/m/")) throw refusal(words.browser.link.notAMeeting);
  return { server, code: parseCode(link.path.slice(3).replace(/\/+$/, "")) };
}

/** Reads `host`, `host:port`, or a link without `/m/`. Throws a `BridgeError`. */
export function parseServerAddress(entered: string): ServerAddress {
  const text = entered.trim();
  return addressOf(split(text.includes("://") ? text : `confab://${text}`));
}

/** The link as it is given away. */
export function linkText({ server, code }: MeetingLink): string {
  if (server === null) return code;
  const port = server.port === (server.secure ? 443 : 80) ? "" : `:${server.port}`;
  const fingerprint = server.fingerprint === null ? "" : `#fp=${server.fingerprint}`;
  return `${server.secure ? "https" : "http"}://${server.host}${port}/m/${code}${fingerprint}`;
}

/** What the screens are told of a link. */
export function parsedLink(text: string): ParsedLink {
  const link = parseMeetingLink(text);
  const { server, code } = link;
  return { code, server: server === null ? null : `${server.host}:${server.port}`, join_text: linkText(link) };
}

/** The address of the server's WebSocket. */
export function websocketUrl({ host, port, secure }: ServerAddress): string {
  return `${secure ? "wss" : "ws"}://${host}:${port}/ws`;
}

interface Parts {
  scheme: string;
  host: string;
  port: number | null;
  path: string;
  fragment: string | null;
}

/** A link's parts. Read as an http address, because browsers differ in what they make of schemes they do not know. */
function split(text: string): Parts {
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [];
  // A browser's URL forgets a port that is usual for its scheme; one that is not there means ours.
  const named = /^[^/?#]*:(\d+)(?=[/?#]|$)/.exec(rest)?.[1];
  let url: URL;
  try {
    url = new URL(`http://${rest}`);
  } catch {
    throw refusal(words.browser.link.notAMeeting);
  }
  if (scheme === "" || url.hostname === "" || /^[/\\]/.test(rest)) throw refusal(words.browser.link.notAMeeting);
  const hash = rest.indexOf("#");
  return {
    scheme: scheme.toLowerCase(),
    host: url.hostname,
    port: named === undefined ? null : Number(named),
    path: url.pathname,
    fragment: hash < 0 ? null : rest.slice(hash + 1),
  };
}

function addressOf({ scheme, host, port, fragment }: Parts): ServerAddress {
  const plain = fragment === "plain" || (fragment === null && isNear(host));
  const known: Partial<Record<string, { secure: boolean; usual: number }>> = {
    https: { secure: true, usual: 443 },
    http: { secure: false, usual: 80 },
    confab: { secure: !plain, usual: DEFAULT_PORT },
  };
  const kind = known[scheme];
  if (kind === undefined) throw refusal(words.browser.link.badScheme(scheme));
  let fingerprint: string | null = null;
  if (fragment?.startsWith("fp=") === true) {
    fingerprint = fragment.slice(3).toLowerCase();
    if (!/^[0-9a-f]{64}$/.test(fingerprint)) throw refusal(words.browser.link.badFingerprint);
  }
  return { host, port: port ?? kind.usual, secure: kind.secure, fingerprint };
}

/** This computer, or an address of a local network: a server there has no certificate unless the link says so. */
function isNear(host: string): boolean {
  if (host === "localhost") return true;
  const numbers = /^(\d+)\.(\d+)\.\d+\.\d+$/.exec(host);
  if (numbers !== null) {
    const [first, second] = [Number(numbers[1]), Number(numbers[2])];
    return first === 127 || first === 10 || (first === 172 && second >= 16 && second < 32)
      || (first === 192 && second === 168) || (first === 169 && second === 254);
  }
  // Loopback, unique local (fc00::/7), link-local (fe80::/10).
  return host === "[::1]" || /^\[f[cd][0-9a-f]{2}:/.test(host) || /^\[fe[89ab][0-9a-f]:/.test(host);
}

/** Whether a text is a room's code as it is kept: in small letters, without anything around it. */
export function isRoomCode(text: string): boolean {
  return /^[a-z]{2,12}-[a-z]{2,12}-[0-9]{2,6}$/.test(text);
}

function parseCode(entered: string): RoomCode {
  const text = entered.trim();
  if (text === "") throw refusal(words.browser.link.empty);
  const code = text.toLowerCase();
  if (!isRoomCode(code)) throw refusal(words.browser.link.badCode(shorten(text)));
  return code;
}

function shorten(text: string): string {
  const letters = [...text];
  const shown = letters.slice(0, REPEATED_LETTERS * 4).filter((letter) => !/\p{Cc}/u.test(letter)).slice(0, REPEATED_LETTERS).join("");
  return letters.length > REPEATED_LETTERS ? `${shown}…` : shown;
}

function refusal(message: string): BridgeError {
  return { code: "link_invalid", message, field: "text" };
}
