/** The session within React. */
import { createContext, useContext, useSyncExternalStore, type ReactElement, type ReactNode } from "react";
import type { AppState } from "./app_state";
import type { CallState } from "./call_state";
import type { Session } from "./session";

const SessionContext = createContext<Session | null>(null);

export function SessionProvider({ session, children }: { session: Session; children: ReactNode }): ReactElement {
  return <SessionContext value={session}>{children}</SessionContext>;
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("useSession outside a SessionProvider");
  return session;
}

/** A part of the state. `select` must give the same object for the same state. */
export function useApp<Part>(select: (state: AppState) => Part): Part {
  const session = useSession();
  return useSyncExternalStore(session.subscribe, () => select(session.state));
}

/** Whether this is the desktop program. A page in a browser hosts nothing, and its window belongs to the browser. */
export function useIsDesktop(): boolean {
  return useApp((state) => state.info.platform !== "browser");
}

/** The running call; only for components inside the call screen. */
export function useCall(): CallState {
  const call = useApp((state) => state.call);
  if (call === null) throw new Error("useCall without a call");
  return call;
}
