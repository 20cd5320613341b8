import { useEffect, useRef, useState, type ReactElement } from "react";
import { switchedOn } from "../../state/app_state";
import { useApp, useSession } from "../../state/context";
import { isThere } from "../../state/devices";
import { HEARD } from "../../state/level";
import { words } from "../../words";

const CELLS = 24;
/** The last cells mean "too loud". */
const HOT_CELLS = 2;
/** The meter falls over so long, milliseconds for the whole of it; it rises at once. */
const FALL_MS = 300;
const FALL_STEP_MS = 50;
/** "We hear you" stays so long after the last sound. */
const HEARD_MS = 1_500;

/** Whether the microphone hears anything: a row of cells, and the same in words. `evenOff` for where it hears though it is off. */
export function LevelMeter({ evenOff = false }: { evenOff?: boolean }): ReactElement {
  const session = useSession();
  const on = useApp((state) => switchedOn(state, "microphone")) || evenOff;
  const there = useApp((state) => isThere(state.devices, "microphone", state.settings.devices.microphone) && state.problems.microphone === undefined);
  const chosenNone = useApp((state) => state.settings.devices.microphone.kind === "none");
  const hears = useApp((state) => isThere(state.devices, "speaker", state.settings.devices.speaker) && state.problems.speaker === undefined);
  const meter = useRef<HTMLDivElement>(null);
  const [heard, setHeard] = useState(false);
  useEffect(() => {
    let shown = 0;
    let peak = 0;
    let at = performance.now();
    let last = Number.NEGATIVE_INFINITY;
    let falling: ReturnType<typeof setTimeout> | undefined;
    const draw = (share: number): void => {
      const now = performance.now();
      clearTimeout(falling);
      shown = Math.max(share, shown - (now - at) / FALL_MS);
      peak = Math.max(share, peak - (now - at) / (FALL_MS * 8));
      at = now;
      if (share >= HEARD) last = now;
      setHeard(now - last < HEARD_MS);
      const lit = Math.round(shown * CELLS);
      const peakCell = Math.round(peak * CELLS) - 1;
      meter.current?.childNodes.forEach((cell, index) => {
        if (!(cell instanceof HTMLElement)) return;
        const looks = index < lit ? (index >= CELLS - HOT_CELLS ? "hot" : "on") : index === peakCell ? "pk" : "";
        if (cell.className !== looks) cell.className = looks;
      });
      // A level that stays is not told again.
      if (peak > share || now - last < HEARD_MS) falling = setTimeout(() => draw(session.level.value), FALL_STEP_MS);
    };
    draw(session.level.value);
    const unsubscribe = session.level.subscribe(draw);
    return () => {
      clearTimeout(falling);
      unsubscribe();
    };
  }, [session]);
  const text = chosenNone ? words.preview.noMicrophone
    : !there ? words.preview.noMicrophoneShort
      : !on ? words.preview.microphoneIsOff
        : heard ? words.preview.weHearYou : words.preview.saySomething;
  return (
    <>
      <div className="mrow">
        <div className="meter" ref={meter} role="img" aria-label={words.preview.level}>
          {Array.from({ length: CELLS }, (_, index) => <i key={index} />)}
        </div>
        <span className={heard && on && there ? "xs accent-text" : "xs muted"} role="status">{text}</span>
      </div>
      {!there && !chosenNone && <p className="xs muted">{hears ? words.preview.noMicrophoneText : words.preview.noMicrophoneNorSpeakerText}</p>}
    </>
  );
}
