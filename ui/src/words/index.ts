/** The words in the language of the window. `words` is a live binding: who is drawn after `speak` says it the new way. */
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

export let words: Words = en;
