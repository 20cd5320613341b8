/** Whom a link can bring together: what its address tells. Pure. */
import { words } from "../words";
import type { AppState } from "./app_state";

/** The host that a link or an address such as `192.168.1.7:8003` names, as a browser writes it; `null` when it names none. */
export function hostOf(link: string): string | null {
  const rest = link.trim().replace(/^[a-z][a-z0-9+.-]*:\/\//i, "");
  // Only of web addresses does a browser put all ways to write a host into one.
  try {
    return new URL(`http://${rest}`).hostname.replace(/\.$/, "") || null;
  } catch {
    return null;
  }
}

/** Whether a link or address leads back to the computer it is opened on, so that it brings nobody else. */
export function worksHereOnly(link: string): boolean {
  const host = hostOf(link);
  if (host === null) return false;
  return host === "localhost" || host.endsWith(".localhost") || host === "0.0.0.0" || host.startsWith("127.")
    || host === "[::1]" || host === "[::]" || host.startsWith("[::ffff:7f");
}

/** What to do so that others can come, when the link works here only. */
export function adviceForOthers({ host, info }: Pick<AppState, "host" | "info">): string {
  if (info.platform === "browser") return words.browser.hereOnly;
  return host?.running === true && host.address === null ? words.host.noNetwork : words.call.hereOnlyText;
}
