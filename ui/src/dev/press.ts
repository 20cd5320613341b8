/** Presses what a person would press to come to a scene. */

const PRESSABLE = 'button, a, [role="menuitem"], [role="menuitemradio"], [role="option"], [role="radio"], [role="tab"]';
/** Later than any of our screens needs to show a control. */
const PATIENCE_MS = 4_000;

/** Presses the control of this name as soon as it is there; its words may go on after the name (a shortcut, a count). */
export async function press(name: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = find(name);
    if (found !== undefined) {
      found.click();
      return;
    }
    if (performance.now() > end) throw new Error(`there is nothing to press that is called ${name}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** What came last lies on top. */
function find(name: string): HTMLElement | undefined {
  const all = [...document.querySelectorAll<HTMLElement>(PRESSABLE)].reverse();
  const named = (control: HTMLElement): string => control.getAttribute("aria-label") ?? control.textContent?.trim() ?? "";
  return all.find((control) => named(control) === name) ?? all.find((control) => named(control).startsWith(name));
}
