import { useEffect, useRef, useState, type ReactElement } from "react";
import { announcements, gatheredSentences, type Announcement } from "../state/announcements";
import { useSession } from "../state/context";

/** Joins and leaves within this time are told together. */
const GATHER_MS = 3_000;

/** The live regions of the window: what a screen reader is told. */
export function Announcer(): ReactElement {
  const session = useSession();
  const [polite, setPolite] = useState("");
  const [assertive, setAssertive] = useState("");
  const gathered = useRef<Announcement[]>([]);
  useEffect(() => {
    let before = session.state;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const tell = (): void => {
      timer = null;
      setPolite(gatheredSentences(gathered.current).join(". "));
      gathered.current = [];
    };
    const stop = session.subscribe(() => {
      const found = announcements(before, session.state);
      before = session.state;
      for (const announcement of found) {
        if (announcement.urgency === "assertive") setAssertive(announcement.text);
        else if (announcement.urgency === "polite") setPolite(announcement.text);
        else {
          gathered.current.push(announcement);
          timer ??= setTimeout(tell, GATHER_MS);
        }
      }
    });
    return () => {
      stop();
      if (timer !== null) clearTimeout(timer);
    };
  }, [session]);
  return (
    <>
      <div className="visually-hidden" role="status" aria-live="polite">{polite}</div>
      <div className="visually-hidden" role="alert" aria-live="assertive">{assertive}</div>
    </>
  );
}
