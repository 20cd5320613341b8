/** Device problems of a running call become toasts, once each; the call goes on. */
import { useEffect, useRef } from "react";
import type { Problems } from "../state/app_state";
import { useApp, useSession } from "../state/context";
import { newProblems, problemWords } from "../state/devices";
import { HEARD, meterShare } from "../state/level";
import { words } from "../words/en";

export function useProblemToasts(): void {
  const session = useSession();
  const problems = useApp((state) => state.problems);
  const before = useRef<Problems>({});
  useEffect(() => {
    for (const problem of newProblems(before.current, problems)) {
      // A device that was never there was said on the preview screen, and the dock shows it.
      if (problem.reason === "missing") continue;
      const { title, text } = problemWords(problem);
      const restartable = problem.kind === "camera" || problem.kind === "microphone";
      session.dispatch({
        type: "toast_shown",
        toast: {
          tone: "warn",
          message: title,
          detail: text,
          sticky: restartable,
          action: restartable ? { label: words.preview.tryAgain, does: "restart", device: problem.kind } : null,
        },
      });
    }
    before.current = problems;
  }, [session, problems]);
}

/** So long a sound above the threshold is somebody talking. */
const TALKING_MS = 700;
const AT_MOST_EVERY_MS = 60_000;

/** Talking while muted is told once a minute. */
export function useTalkingWhileMuted(microphoneOn: boolean): void {
  const session = useSession();
  const told = useRef(0);
  useEffect(() => {
    if (microphoneOn) return undefined;
    let since = 0;
    return session.level.subscribe((level) => {
      const now = performance.now();
      if (meterShare(level) < HEARD + 0.15) since = 0;
      else if (since === 0) since = now;
      else if (now - since > TALKING_MS && (told.current === 0 || now - told.current > AT_MOST_EVERY_MS)) {
        told.current = now;
        session.dispatch({ type: "toast_shown", toast: { tone: "info", message: words.call.talkingWhileMuted } });
      }
    });
  }, [session, microphoneOn]);
}
