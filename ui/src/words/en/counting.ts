/** How English counts things and lists names. */
/** The form for this count; `#` stands for the count. */
export const plural = (count: number, one: string, many: string): string => (count === 1 ? one : many.replace("#", String(count)));

/** "Ines", "Ines and Mei", "Ines and 3 others". */
export function listOfNames(names: readonly string[]): string {
  const [first = "", second = ""] = names;
  if (names.length <= 1) return first;
  if (names.length === 2) return `${first} and ${second}`;
  return `${first} and ${names.length - 1} others`;
}
