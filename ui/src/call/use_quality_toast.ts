/** My own connection becomes a toast, but only when it is bad for a while: a passing dip asks nothing of anybody. */
import { useEffect } from "react";
import { useCall, useSession } from "../state/context";
import { words } from "../words";

const LASTS_MS = 10_000;

export function useQualityToast(): void {
  const session = useSession();
  const call = useCall();
  const own = call.quality.find(({ participant }) => participant === call.me)?.quality ?? "good";
  useEffect(() => {
    if (own === "good") return undefined;
    const timer = setTimeout(() => {
      const [message, detail] = own === "weak" ? [words.call.ownWeak, words.call.ownWeakText] : [words.call.ownBad, words.call.ownBadText];
      session.dispatch({ type: "toast_shown", toast: { tone: "warn", message, detail } });
    }, LASTS_MS);
    return () => clearTimeout(timer);
  }, [session, own]);
}
