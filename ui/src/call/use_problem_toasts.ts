/** Device problems of a running call become toasts, once each; the call goes on. */
import { useEffect, useRef } from "react";
import type { Problems } from "../state/app_state";
import { useApp, useSession } from "../state/context";
import { newProblems, problemWords } from "../state/devices";
import { words } from "../words";

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
          problem: problem.kind,
          action: restartable ? { label: words.preview.tryAgain, does: "restart", device: problem.kind } : null,
        },
      });
    }
    before.current = problems;
  }, [session, problems]);
}
