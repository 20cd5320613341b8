import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const SOURCE = join(import.meta.dirname, "..");
const components = (readdirSync(SOURCE, { recursive: true }) as string[])
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".tsx") && !file.includes(".test.") && !file.startsWith("dev/") && file !== "test_app.tsx");

/** What is the same in every language, with its reason. */
const ALLOWED = new Set([
  "×", // between width and height
]);

/** Texts in JSX and in attributes people read or hear, near enough: what stands before a tag, and quoted attributes. */
function literals(code: string): string[] {
  const found: string[] = [];
  for (const [, text] of code.matchAll(/[>}]([^<>{}()=;]*\p{L}{2,}[^<>{}()=;]*)<\//gu)) found.push(text ?? "");
  for (const [, text] of code.matchAll(/(?<!=)>([^<>{}()=;:,|&?]*\p{L}{2,}[^<>{}()=;:|&?]*)<[a-zA-Z]/gu)) found.push(text ?? "");
  for (const [, text] of code.matchAll(/\b(?:aria-label|aria-description|aria-roledescription|title|placeholder|alt|label|text|textValue|busy)=(?:"([^"]*\p{L}[^"]*)"|\{"([^"]*)"\}|\{`([^`$]*\p{L}[^`]*)`\})/gu)) {
    found.push(text ?? "literal in braces");
  }
  return found.map((text) => text.trim()).filter((text) => text !== "" && !ALLOWED.has(text));
}

describe("components", () => {
  it("have their words from the catalogue", () => {
    for (const file of components) expect(literals(readFileSync(join(SOURCE, file), "utf8")), file).toEqual([]);
  });

  it("would be caught with words of their own", () => {
    expect(literals("<b>Leave now</b>")).toEqual(["Leave now"]);
    expect(literals("<p>{count} people</p>")).toEqual(["people"]);
    expect(literals('<Button aria-label="Close" />')).toEqual(["Close"]);
    expect(literals("const a = (): Promise<void> => <b>{words.a}</b>;")).toEqual([]);
  });

  it("keep no word in a constant of a module, where a change of language would not reach it", () => {
    for (const file of components) {
      const early = readFileSync(join(SOURCE, file), "utf8").split("\n").filter((line) => /^(export )?const \w+(: [^=]+)? = (?!\(|async|function).*\bwords\./.test(line));
      expect(early, file).toEqual([]);
    }
  });
});
