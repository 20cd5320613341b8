/** How German counts things and lists names. */

const rules = new Intl.PluralRules("de");

/** The form for this count; `#` stands for the count. */
export const plural = (count: number, one: string, other: string): string =>
  (rules.select(count) === "one" ? one : other).replace("#", count.toLocaleString("de"));

/** "Ines", "Ines und Mei", "Ines und 3 andere". */
export function listOfNames(names: readonly string[]): string {
  const [first = "", second = ""] = names;
  if (names.length <= 1) return first;
  if (names.length === 2) return `${first} und ${second}`;
  return `${first} und ${names.length - 1} andere`;
}
