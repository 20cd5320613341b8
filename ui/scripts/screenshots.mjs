// cargo xtask screenshots [--only SCENE ...] [--check]: pictures of every scene, or axe-core on every scene.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { violations } from "./accessibility.mjs";
import { DeveloperPage, ROOT, THEMES } from "./developer_page.mjs";

const { values } = parseArgs({ options: { only: { type: "string", multiple: true }, check: { type: "boolean", default: false } } });
const ALL = join(ROOT, "target/screens");
const KEPT = join(ROOT, "docs/screens");
/** A wide and a narrow window; the sizes between differ in nothing that axe sees. */
const CHECKED_SIZES = ["1440x900", "480x800", "320x240"];

const page = await DeveloperPage.start();
const known = await page.scenes();
const unknown = (values.only ?? []).filter((name) => known.every((scene) => scene.name !== name));
if (unknown.length > 0) throw new Error(`there is no scene ${unknown.join(", ")}; there are: ${known.map(({ name }) => name).join(", ")}`);
const scenes = known.filter(({ name }) => values.only === undefined || values.only.includes(name));
const sizes = [...new Set(scenes.flatMap((scene) => scene.sizes))].filter((size) => !values.check || CHECKED_SIZES.includes(size));
const complaints = [];
/** Violations by what they are, with where they were seen. */
const found = new Map();
let shown = 0;

for (const size of sizes) {
  const sized = scenes.filter((scene) => scene.sizes.includes(size));
  console.log(`${size}: ${sized.length} scenes`);
  for (const scene of sized) {
    await page.open(scene.name, size);
    for (const theme of THEMES) {
      await page.setTheme(theme);
      if (values.check) await check(scene, size, theme);
      else await picture(scene, size, theme);
      shown += 1;
    }
    complaints.push(...page.errors.map((error) => `${scene.name} ${size}: ${error}`));
  }
}
await page.close();
if (values.check) report();
else console.log(`${shown} pictures in ${ALL}`);
for (const complaint of complaints) console.error(`The page complained: ${complaint}`);
if (complaints.length > 0) process.exitCode = 1;

async function picture(scene, size, theme) {
  const name = `${scene.name}-${size}-${theme}.png`;
  const path = join(ALL, name);
  mkdirSync(ALL, { recursive: true });
  await page.screenshot(path);
  if (scene.keep.includes(`${size}-${theme}`)) {
    keep(path, join(KEPT, name));
    console.log(`docs/screens/${name}`);
  }
}

/** A picture for the repository has a palette, where ImageMagick is at hand to make one. */
function keep(from, to) {
  mkdirSync(KEPT, { recursive: true });
  try {
    execFileSync("convert", [from, "-strip", "+dither", "-colors", "256", "-define", "png:compression-level=9", `PNG8:${to}`], { stdio: "ignore" });
  } catch {
    copyFileSync(from, to);
  }
  if (statSync(to).size > statSync(from).size) copyFileSync(from, to);
}

async function check(scene, size, theme) {
  for (const violation of await violations(page)) {
    const key = `${violation.rule} ${violation.selector}`;
    const known = found.get(key) ?? { ...violation, places: [] };
    known.places.push(`${scene.name} ${size} ${theme}`);
    found.set(key, known);
  }
}

function report() {
  const all = [...found.values()].sort((left, right) => left.rule.localeCompare(right.rule));
  const wrong = all.filter(({ standard }) => standard);
  const unusual = all.filter(({ standard }) => !standard);
  for (const [heading, list] of [["WCAG 2.2 A and AA", wrong], ["Good practice", unusual]]) {
    console.log(`${heading}: ${list.length === 0 ? "nothing" : `${list.length} found`}`);
    for (const { rule, selector, html, why, places } of list) {
      const more = places.length > 3 ? ` and ${places.length - 3} more` : "";
      console.log(`  ${rule}  ${selector}\n    ${html}\n    ${why}\n    in ${places.slice(0, 3).join(", ")}${more}`);
    }
  }
  console.log(`${scenes.length} scenes, ${shown} views, ${wrong.length} violations, ${unusual.length} remarks`);
  if (wrong.length > 0) process.exitCode = 1;
}
