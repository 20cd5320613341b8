/** Where a page came from, and with which server it speaks. Pure. */
import type { BridgeError } from "../commands";
import { linkText, parseMeetingLink, parseServerAddress, websocketUrl, type ServerAddress } from "./link";
import { notInBrowser } from "./refusals";

/** As much of `location` as is needed. */
export type Place = Pick<Location, "protocol" | "hostname" | "port" | "pathname" | "search" | "hash">;

/** The server the page came from. */
export function pageServer({ protocol, hostname, port }: Place): ServerAddress {
  const secure = protocol === "https:";
  return { host: hostname, port: port === "" ? (secure ? 443 : 80) : Number(port), secure, fingerprint: null };
}

/** The server of the settings: `host:port`, or the page's own when it is empty. Throws a `BridgeError`. */
export function settingsServer(server: string, place: Place): ServerAddress {
  return server.trim() === "" ? pageServer(place) : parseServerAddress(server);
}

/**
 * The address of a server's WebSocket. A link that names a certificate is good for that one only, and a page cannot look
 * at certificates; but of the server it came from itself, the browser has taken the certificate already. Throws a
 * `BridgeError`.
 */
export function reachable(server: ServerAddress, place: Place): string {
  const own = pageServer(place);
  const same = own.secure && own.host === server.host && own.port === server.port;
  if (server.fingerprint !== null && !same) throw notInBrowser("fingerprint");
  return websocketUrl(server);
}

/** The meeting the page was opened for: it stands at the link itself, or at `?join=LINK`. */
export function openedLink(place: Place): string | null {
  const asked = new URLSearchParams(place.search).get("join");
  if (asked !== null) return asked;
  if (!place.pathname.startsWith("/m/")) return null;
  const own = pageServer(place);
  try {
    return linkText(parseMeetingLink(`${own.secure ? "https" : "http"}://${own.host}:${own.port}${place.pathname}${place.hash}`));
  } catch (thrown) {
    if (isRefusal(thrown)) return null;
    throw thrown;
  }
}

function isRefusal(thrown: unknown): thrown is BridgeError {
  return typeof thrown === "object" && thrown !== null && "code" in thrown;
}
