/** A meeting whose server does not answer, because that server is the one in this program. Pure. */
import type { HostStatus, ParsedLink } from "../bridge/commands";
import type { AppState } from "./app_state";
import { hostOf, worksHereOnly } from "./reach";

/** The own hosts after this status: an address stays known when hosting ends. */
export function withOwnHost(known: readonly string[], { address }: HostStatus): readonly string[] {
  const host = address === null ? null : hostOf(address);
  return host === null || known.includes(host) ? known : [...known, host];
}

/**
 * What would help who cannot join because no server answers: `start` hosting, or `join` at the address it has now.
 * `null` when the server is another computer's, or the window does not know that it is this one's.
 */
export function hostingRemedy({ screen, host, info, ownHosts }: AppState): "start" | "join" | null {
  if (screen.name !== "preview" || screen.intent.kind !== "join" || screen.error?.code !== "server_unreachable") return null;
  const { server } = screen.intent.link;
  if (info.platform === "browser" || host === null || server === null) return null;
  if (!worksHereOnly(server) && !ownHosts.includes(hostOf(server) ?? "")) return null;
  if (!host.running) return "start";
  return host.address === null || portOf(host.address) === portOf(server) ? null : "join";
}

/**
 * The same meeting on the server in this program; by its code alone while that has no address. A link of this computer only
 * stays one and takes the port: at another address the server would ask for encryption, of which such a link says nothing.
 */
export function textAtHost({ code, join_text, server }: ParsedLink, { address }: HostStatus): string {
  if (address === null) return code;
  const place = server !== null && worksHereOnly(server) ? `${server.slice(0, server.lastIndexOf(":"))}:${portOf(address)}` : address;
  return join_text.replace(/^([a-z]+:\/\/)[^/]+/i, `$1${place.replace(/^[a-z]+:\/\//i, "")}`);
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}
