/** How a person without a picture looks: initials on a hue made from their id, the same at everybody's. */

/** One or two letters from the name; `?` when there is no letter. */
export function initials(name: string): string {
  const words = name.trim().split(/[\s\-_.]+/).filter((word) => /\p{L}|\p{N}/u.test(word));
  const first = firstLetter(words[0]);
  const last = words.length > 1 ? firstLetter(words[words.length - 1]) : "";
  return `${first}${last}`.toLocaleUpperCase() || "?";
}

function firstLetter(word: string | undefined): string {
  return word?.match(/\p{L}|\p{N}/u)?.[0] ?? "";
}

/** A hue in degrees, spread evenly over the ids (FNV-1a, then mixed so that neighbours differ). */
export function hueOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % 360;
}

/** What a narrow tile shows. */
export function firstName(name: string): string {
  return name.trim().split(/\s+/)[0] ?? name;
}
