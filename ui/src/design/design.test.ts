import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withSystemThemes } from "../../vite_themes";
import { hueOf, initials } from "./person";

const SOURCE = join(import.meta.dirname, "..");
const files = (readdirSync(SOURCE, { recursive: true }) as string[]).map((file) => file.replaceAll("\\", "/"));
const read = (file: string): string => readFileSync(join(SOURCE, file), "utf8");
const TOKENS = read("design/tokens.css");

type Color = { l: number; c: number; h: number; a: number };

function block(theme: string): Map<string, Color> {
  const text = new RegExp(`\\[data-theme="${theme}"\\] \\{([^}]*)\\}`).exec(TOKENS)?.[1] ?? "";
  return new Map([...text.matchAll(/--([\w-]+):\s*oklch\(([\d.]+) ([\d.]+) ([\d.]+)(?: \/ ([\d.]+))?\)/g)].map(
    ([, name = "", l, c, h, a]) => [name, { l: Number(l), c: Number(c), h: Number(h), a: a === undefined ? 1 : Number(a) }],
  ));
}

/** Linear sRGB, clamped to the gamut. */
function linear({ l, c, h }: Color): [number, number, number] {
  const a = c * Math.cos((h * Math.PI) / 180);
  const b = c * Math.sin((h * Math.PI) / 180);
  const long = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const middle = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clamp = (value: number): number => Math.min(1, Math.max(0, value));
  return [
    clamp(4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short),
    clamp(-1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short),
    clamp(-0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short),
  ];
}

const encode = (value: number): number => (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);
const decode = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

function over(front: Color, back: [number, number, number]): [number, number, number] {
  const mixed = linear(front).map((value, index) => decode(encode(value) * front.a + encode(back[index] ?? 0) * (1 - front.a)));
  return [mixed[0] ?? 0, mixed[1] ?? 0, mixed[2] ?? 0];
}

function contrast(left: [number, number, number], right: [number, number, number]): number {
  const luminance = ([r, g, b]: [number, number, number]): number => 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  const [one, two] = [luminance(left), luminance(right)];
  return one > two ? one / two : two / one;
}

describe("the design", () => {
  it("keeps words legible and edges visible in every theme", () => {
    const pairs = [["text", "bg"], ["text", "surface-1"], ["text-2", "surface-1"], ["text-2", "bg"], ["text-3", "surface-1"], ["text-3", "bg"],
      ["text-3", "surface-2"], ["text-3", "stage"], ["on-accent", "accent"], ["accent-text", "surface-1"], ["accent-text", "accent-soft"],
      ["on-danger", "danger"], ["danger-text", "surface-1"], ["danger-text", "danger-soft"], ["on-warn", "warn"], ["warn-text", "surface-1"],
      ["warn-text", "warn-soft"], ["line-control", "surface-1"], ["line-control", "bg"], ["focus", "bg"], ["focus", "stage"]] as const;
    for (const theme of ["dark", "light", "hc"]) {
      const colors = block(theme);
      const color = (name: string): Color => {
        const found = colors.get(name);
        if (found === undefined) throw new Error(`${theme} has no --${name}`);
        return found;
      };
      for (const [front, back] of pairs) {
        const ground = over(color(back), linear(color("surface-1")));
        const least = front.startsWith("line") || front === "focus" ? 3 : theme === "hc" && front.startsWith("text") ? 7 : 4.5;
        expect(contrast(over(color(front), ground), ground), `${theme}: ${front} on ${back}`).toBeGreaterThanOrEqual(least);
      }
    }
  });

  it("keeps words over a white picture legible on their plate", () => {
    const dark = block("dark");
    for (const theme of ["dark", "hc"]) {
      const colors = new Map([...dark, ...block(theme)]);
      const plates = { "on-picture-bg": ["on-picture", "on-picture-live", "on-picture-warn", "on-picture-bad"], "picture-off": ["on-picture-bad"], "picture-blocked": ["on-picture-warn"] };
      for (const [plate, fronts] of Object.entries(plates)) {
        const plateColor = colors.get(plate);
        if (plateColor === undefined) throw new Error(plate);
        const ground = over(plateColor, [1, 1, 1]);
        for (const front of fronts) {
          const color = colors.get(front);
          if (color === undefined) throw new Error(front);
          expect(contrast(linear(color), ground), `${theme}: ${front} on ${plate}`).toBeGreaterThanOrEqual(4.5);
        }
      }
    }
  });

  it("has colours only in tokens.css", () => {
    const literal = /#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(|\boklch\((?!var)/i;
    for (const file of files.filter((name) => /\.(css|tsx)$/.test(name) && name !== "design/tokens.css" && !name.startsWith("dev/"))) {
      const found = read(file).split("\n").filter((line) => literal.test(line.replace(/oklch\(var\([^)]*\)[^)]*\)/g, "")));
      expect(found, file).toEqual([]);
    }
  });

  it("uses only tokens that exist", () => {
    const known = new Set([...TOKENS.matchAll(/--([\w-]+)\s*:/g)].map(([, name]) => name));
    // Set by components (hue, size) or by React Aria.
    for (const own of ["h", "s", "trigger-width"]) known.add(own);
    for (const file of files.filter((name) => name.endsWith(".css"))) {
      for (const [, name] of read(file).matchAll(/var\(--([\w-]+)/g)) expect(known.has(name), `${file}: --${name}`).toBe(true);
    }
  });

  it("keeps a toast inside what it lies over, whatever long link it tells", () => {
    const sheet = read("design/surfaces.css");
    const rule = (name: string): string => new RegExp(`^\\.${name} \\{([^}]*)\\}`, "m").exec(sheet)?.[1] ?? "";
    expect(rule("toast")).toMatch(/overflow-wrap: anywhere/);
    expect(rule("toast")).toMatch(/max-width: min\([^;]*100%\)/);
    expect(rule("toasts")).toMatch(/inset-inline: var\(--space-4\)/);
  });

  it("writes the themes for people who follow the system from the same source", () => {
    const written = withSystemThemes(TOKENS);
    expect(written).toMatch(/prefers-color-scheme: light\) \{ :root:not\(\[data-theme\]\) \{[^}]*--bg: oklch\(0\.972/);
    expect(written).toMatch(/prefers-contrast: more\) \{ :root:not\(\[data-theme\]\) \{[^}]*--bg: oklch\(0 0 0\)/);
  });

  it("keeps components short, and the Tauri API in one file", () => {
    for (const file of files.filter((name) => /\.tsx?$/.test(name))) {
      if (file.endsWith(".tsx") && !file.includes(".test.")) expect(read(file).split("\n").length, file).toBeLessThan(200);
      // These two write of it, because they look for it.
      if (!["bridge/native.ts", "bridge/imports.test.ts", "design/design.test.ts"].includes(file)) expect(read(file), file).not.toMatch(/@tauri-apps|__TAURI__/);
    }
  });
});

describe("a person without a picture", () => {
  it("has initials from their name", () => {
    expect(initials("Kofi Mensah")).toBe("KM");
    expect(initials("lena")).toBe("L");
    expect(initials("Zoë de la Almeida")).toBe("ZA");
    expect(initials("  🙂 ")).toBe("?");
    expect(initials("李 小龙")).toBe("李小");
  });

  it("has a hue that is always the same, and spread over the circle", () => {
    const hues = Array.from({ length: 400 }, (_, index) => hueOf(`018f0000-0000-7000-8000-${String(index).padStart(12, "0")}`));
    expect(hueOf("a")).toBe(hueOf("a"));
    for (let part = 0; part < 8; part += 1) expect(hues.filter((hue) => Math.floor(hue / 45) === part).length).toBeGreaterThan(20);
  });
});
