/**
 * The words in the language of the window. `words` is a live binding: who is drawn after `speak` says it the new way.
 * So a text is read from `words` when it is drawn, never kept in a constant of a module.
 */
import type { Language } from "../bridge/commands";
import { words as de } from "./de";
import { words as en } from "./en";

/** A catalogue has the texts and sentences of the English one, in its own words. */
export type Words = Translated<typeof en>;

type Translated<Node> = {
  readonly [Name in keyof Node]: Node[Name] extends string
    ? string
    : Node[Name] extends (...values: infer Values) => string
      ? (...values: Values) => string
      : Translated<Node[Name]>;
};

export interface Catalogue {
  /** What `Settings.language` calls it. */
  language: string;
  /** How dates and numbers are written, BCP 47. */
  locale: string;
  direction: "ltr" | "rtl";
  words: Words;
}

const ENGLISH: Catalogue = { language: "en", locale: "en-GB", direction: "ltr", words: en };
const GERMAN: Catalogue = { language: "de", locale: "de-DE", direction: "ltr", words: de };

const catalogues = new Map([ENGLISH, GERMAN].map((catalogue) => [catalogue.language, catalogue]));
const listeners = new Set<() => void>();

export let words: Words = en;
let current: Catalogue = ENGLISH;

/** The language the window speaks now. */
export function spoken(): Catalogue {
  return current;
}

/** Hears every change of the language until the returned function is called. */
export function onSpoken(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** From now on the window speaks this language. */
export function speak(language: Language): void {
  const next = catalogueFor(language, navigator.languages);
  if (next.words === current.words && next.locale === current.locale) return;
  current = next;
  words = next.words;
  for (const listener of listeners) listener();
}

/**
 * The catalogue for a setting, given what the computer prefers, best first. Dates and numbers are written as the
 * computer's owner does where that is the same language: 10:48 in London, 10:48 AM in Boston.
 */
export function catalogueFor(language: Language, preferred: readonly string[]): Catalogue {
  const base = (tag: string): string => tag.split("-")[0]?.toLowerCase() ?? "";
  const find = (tag: string): Catalogue | undefined => catalogues.get(tag) ?? catalogues.get(base(tag));
  const found = (language === "system" ? preferred.map(find).find((catalogue) => catalogue !== undefined) : find(language)) ?? ENGLISH;
  const own = preferred.find((tag) => base(tag) === found.language && tag.includes("-"));
  return own === undefined ? found : { ...found, locale: own };
}

/** Adds a catalogue: for tests of what no shipped language shows, such as writing from right to left. */
export function teach(catalogue: Catalogue): void {
  catalogues.set(catalogue.language, catalogue);
}
