/**
 * A language nobody speaks, for tests: the English words in brackets, written from right to left. A text without
 * brackets on the screen did not come from the catalogue.
 */
import { words as en } from "./en";
import { teach, type Words } from "./index";

export const PSEUDO = "ar-XB";

function bracketed(node: unknown): unknown {
  if (typeof node === "string") return node === "" ? "" : `⟦${node}⟧`;
  if (typeof node === "function") return (...values: unknown[]) => `⟦${String(Reflect.apply(node, undefined, values))}⟧`;
  if (Array.isArray(node)) return node.map(bracketed);
  return Object.fromEntries(Object.entries(node as object).map(([name, value]) => [name, bracketed(value)]));
}

export function teachPseudo(): void {
  teach({ language: PSEUDO, locale: PSEUDO, direction: "rtl", words: bracketed(en) as Words });
}
