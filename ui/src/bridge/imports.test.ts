import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const SOURCE = join(import.meta.dirname, "..");
const sources = (readdirSync(SOURCE, { recursive: true }) as string[])
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => /\.tsx?$/.test(file));

/** What a file imports or passes on, types included: they bind it just as much. */
function imports(code: string): string[] {
  const bare = code.replaceAll(/\/\*[\s\S]*?\*\//g, "");
  return [...bare.matchAll(/(?:^|[\s;])(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']|\bimport\s*\(?\s*["']([^"']+)["']/g)]
    .map(([, from, alone]) => from ?? alone ?? "");
}

/** The file of the window's that a relative import names; `null` for what is none. */
function fileOf(from: string, name: string): string | null {
  if (!name.startsWith(".")) return null;
  const path = join(SOURCE, dirname(from), name);
  const found = [path, `${path}.ts`, `${path}.tsx`, join(path, "index.ts")].find((candidate) => /\.tsx?$/.test(candidate) && existsSync(candidate));
  return found === undefined ? null : relative(SOURCE, found).replaceAll("\\", "/");
}

/** Every file that is reached from one. */
function reached(entry: string): Set<string> {
  const found = new Set<string>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    for (const name of imports(readFileSync(join(SOURCE, file), "utf8"))) {
      const next = fileOf(file, name);
      if (next !== null) waiting.push(next);
    }
  }
  return found;
}

/** The script that a page of the window begins with. */
function entryOf(page: string): string {
  const [, entry = ""] = /<script type="module" src="\/src\/([^"]+)">/.exec(readFileSync(join(SOURCE, "..", page), "utf8")) ?? [];
  return entry;
}

describe("the Tauri API", () => {
  it("is imported by bridge/native.ts and by no other file", () => {
    const users = sources.filter((file) => imports(readFileSync(join(SOURCE, file), "utf8")).some((name) => name.startsWith("@tauri-apps")));
    expect(users).toEqual(["bridge/native.ts"]);
  });

  it("is not reached from the page for browsers, which has every screen", () => {
    const files = reached(entryOf("browser.html"));
    expect([...files].filter((file) => file === "bridge/native.ts" || file === "main.tsx")).toEqual([]);
    const screens = sources.filter((file) => /^(screens|call|chat|people)\/.*\.tsx$/.test(file) && !file.includes(".test."));
    expect(screens.filter((file) => !files.has(file))).toEqual([]);
  });
});

describe("the desktop's window", () => {
  it("does not reach the bridge of browsers, the made-up one or the developer page", () => {
    const files = reached(entryOf("index.html"));
    expect(files).toContain("bridge/native.ts");
    expect([...files].filter((file) => /^(bridge\/browser|bridge\/fixture|browser|dev)\b/.test(file))).toEqual([]);
  });
});

describe("reading imports", () => {
  it("finds them however they are written", () => {
    const code = `import a from "one";\nimport "two";\nimport {\n  b,\n} from 'three';\nexport { c } from "four";\nconst d = await import("five");\nimport type { E } from "six";\n/* import f from "seven"; */`;
    expect(imports(code)).toEqual(["one", "two", "three", "four", "five", "six"]);
  });
});
