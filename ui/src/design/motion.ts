/** Whether nothing is to move: the person said so, or their system does. What style sheets move, they hold by themselves. */
export function movesLess(): boolean {
  return document.documentElement.dataset["motion"] === "reduced" || window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
