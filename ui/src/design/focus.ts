/** Where the focus goes when what had it is gone: to a heading, so that a reader says where one is and Tab goes on from there. */
import { useEffect, useLayoutEffect, useRef, type KeyboardEvent, type RefObject } from "react";

/** Gives the focus to what the screen is about, unless something has it already. */
export function focusHeading(): void {
  if (document.activeElement !== null && document.activeElement !== document.body) return;
  const heading = document.querySelector<HTMLElement>("[data-focus-first]") ?? document.querySelector<HTMLElement>("h1");
  if (heading === null) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** The heading has the focus after every change of `place`; at first too, when that is another than `usual`. */
export function useHeadingAfter(place: string, usual: string): void {
  const known = useRef(usual);
  useEffect(() => {
    if (known.current === place) return;
    known.current = place;
    focusHeading();
  }, [place]);
}

/**
 * A panel takes the focus when it opens (what one writes in, else its heading), Escape closes it, and who had the focus
 * before gets it back: if that was nobody, the control with `data-opens={opens}`. Gives what the panel does with keys.
 */
export function usePanelFocus(panel: RefObject<HTMLElement | null>, opens: string, onClose: () => void): (event: KeyboardEvent) => void {
  useLayoutEffect(() => {
    const node = panel.current;
    if (node === null) return undefined;
    const before = document.activeElement;
    (node.querySelector<HTMLElement>("textarea") ?? node.querySelector<HTMLElement>("h2"))?.focus({ preventScroll: true });
    return () => {
      const now = document.activeElement;
      if (now !== null && now !== document.body && !node.contains(now)) return;
      const known = before instanceof HTMLElement && before !== document.body && before.isConnected;
      const back = known ? before : document.querySelector<HTMLElement>(`[data-opens="${opens}"]`);
      back?.focus({ preventScroll: true });
    };
  }, [panel, opens]);
  return (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || event.nativeEvent.isComposing) return;
    event.preventDefault();
    onClose();
  };
}

/** Arrows, Home and End go between the buttons of a toolbar; each can be reached by Tab too. */
export function arrowsBetweenButtons(event: KeyboardEvent<HTMLElement>): void {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  const bar = event.currentTarget;
  const buttons = [...bar.querySelectorAll<HTMLElement>("button:not([disabled])")];
  const at = buttons.indexOf(document.activeElement as HTMLElement);
  // What was opened from the bar lies elsewhere in the page, and has arrows of its own.
  if (at < 0) return;
  const forward = getComputedStyle(bar).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
  const backward = forward === "ArrowLeft" ? "ArrowRight" : "ArrowLeft";
  const next: Record<string, number> = { [forward]: (at + 1) % buttons.length, [backward]: (at - 1 + buttons.length) % buttons.length, Home: 0, End: buttons.length - 1 };
  const target = buttons[next[event.key] ?? -1];
  if (target === undefined) return;
  event.preventDefault();
  target.focus();
}
