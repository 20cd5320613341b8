import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const SOURCE = join(import.meta.dirname, "..");
const sheets = (readdirSync(SOURCE, { recursive: true }) as string[]).map((file) => file.replaceAll("\\", "/")).filter((file) => file.endsWith(".css"));

/**
 * Declarations that name a side and may, with the reason. What scripts place by `left` (tiles, the head of a share) is
 * measured from the left in every direction, so it needs no entry.
 */
const ALLOWED: Record<string, string> = {
  "background: linear-gradient(135deg, var(--accent-soft), transparent 62%), var(--surface-1)": "a glow in a corner, which says nothing",
};

const SIDED = /^(left|right|(margin|padding|border|scroll-margin|scroll-padding)-(left|right)(-.*)?|border-(top|bottom)-(left|right)-radius|float|clear)$/;
const SHORTHAND = /^(padding|margin|inset|border-width|border-color|border-style|scroll-margin|scroll-padding)$/;

/** Splits at spaces outside brackets. */
function parts(value: string): string[] {
  const found: string[] = [];
  let depth = 0;
  for (const piece of value.trim().split(/\s+/)) {
    const last = found.length - 1;
    if (depth > 0 && last >= 0) found[last] = `${found[last] ?? ""} ${piece}`;
    else found.push(piece);
    depth += (piece.match(/\(/g)?.length ?? 0) - (piece.match(/\)/g)?.length ?? 0);
  }
  return found;
}

/** Whether a declaration means another thing when the line of writing turns. */
function namesASide(property: string, value: string): boolean {
  if (SIDED.test(property)) return true;
  if (property === "text-align" && /^(left|right)$/.test(value)) return true;
  if (property === "transform-origin" && /left|right/.test(value)) return true;
  if (SHORTHAND.test(property)) {
    const [, right, , left] = parts(value);
    return left !== undefined && right !== left;
  }
  if (property === "border-radius") {
    const [topLeft, topRight, bottomRight, bottomLeft] = parts(value);
    return bottomRight !== undefined && (topLeft !== topRight || bottomRight !== (bottomLeft ?? topRight));
  }
  if (/gradient\(/.test(value)) return /gradient\((?!0deg|180deg|160deg|to (top|bottom),)(\d+deg|to )/.test(value);
  // Centring by half of one's own width goes wrong when the edge it is measured from turns; `margin-inline: auto` does not.
  return property === "transform" && /translateX\(-50%|translate\(-50%/.test(value);
}

function declarations(sheet: string): [string, string][] {
  const text = sheet.replace(/\/\*[^]*?\*\//g, "");
  return [...text.matchAll(/([a-z-]+)\s*:\s*([^;{}]+)(?=[;}])/g)].map(([, property = "", value = ""]) => [property, value.trim()]);
}

describe("style sheets", () => {
  it("name no side, so that everything turns with the line of writing", () => {
    for (const file of sheets) {
      const found = declarations(readFileSync(join(SOURCE, file), "utf8"))
        .filter(([property, value]) => namesASide(property, value))
        .map(([property, value]) => `${property}: ${value}`)
        .filter((declaration) => !(declaration in ALLOWED));
      expect(found, file).toEqual([]);
    }
  });

  it("would be caught naming one", () => {
    expect(namesASide("left", "50%")).toBe(true);
    expect(namesASide("padding", "0 6px 0 var(--a)")).toBe(true);
    expect(namesASide("padding", "0 6px 0 6px")).toBe(false);
    expect(namesASide("border-radius", "14px 14px 4px 14px")).toBe(true);
    expect(namesASide("margin-inline-start", "4px")).toBe(false);
  });

  it("let what holds words grow with the text: no fixed height in pixels beside a size of text", () => {
    // Rules that set a size of text and a height in pixels clip the words at 200 %.
    for (const file of sheets) {
      const text = readFileSync(join(SOURCE, file), "utf8").replace(/\/\*[^]*?\*\//g, "");
      const clipped = [...text.matchAll(/([^{}]+)\{([^{}]*)\}/g)]
        .filter(([, , body = ""]) => /(?:^|[;\s])(?:height|max-height):\s*\d+px/.test(body) && /font(?:-size)?:/.test(body))
        .map(([, selector = ""]) => selector.trim());
      expect(clipped, file).toEqual([]);
    }
  });

  it("stop all motion for who said so in the settings", () => {
    expect(readFileSync(join(SOURCE, "design/base.css"), "utf8")).toMatch(/\[data-motion="reduced"\] \*[^{]*\{ animation: none !important; transition: none !important; \}/);
  });
});
