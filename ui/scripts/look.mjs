// Takes pictures of the developer page's scenes with the system's Chromium: npm run look -- OUT_DIR [SCENE ...]
// Options by environment: THEMES=dark,light,hc SIZES=1440x900,480x800 CHROMIUM=/usr/bin/chromium
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createServer } from "vite";
import { launchChromium } from "./chromium.mjs";

const [directory = "../artifacts/look", ...names] = process.argv.slice(2);
const list = (name, usual) => (process.env[name] ?? usual).split(",");
const themes = list("THEMES", "dark,light");
const sizes = list("SIZES", "1440x900");

const server = await createServer({ server: { port: 0 }, logLevel: "error" });
await server.listen();
const address = server.resolvedUrls?.local[0];
const browser = await launchChromium();
await mkdir(directory, { recursive: true });
let failed = false;
const wanted = names.length > 0 ? names : await allScenes();
for (const size of sizes) {
  const [width = 1440, height = 900] = size.split("x").map(Number);
  const page = await browser.newPage({ viewport: { width, height } });
  page.on("pageerror", (error) => { failed = true; console.error(`page error: ${error.message}`); });
  page.on("console", (message) => { if (message.type() === "error") { failed = true; console.error(`console: ${message.text()}`); } });
  for (const scene of wanted) {
    for (const theme of themes) {
      await page.goto(`${address}dev.html?scene=${scene}&theme=${theme}`);
      await page.waitForSelector("html[data-scene=ready]", { state: "attached" });
      await page.waitForTimeout(scene === "reconnecting" ? 1600 : 1200);
      const file = join(directory, `${scene}-${size}-${theme}.png`);
      await page.screenshot({ path: file });
      console.log(file);
    }
  }
  await page.close();
}
await browser.close();
await server.close();
process.exitCode = failed ? 1 : 0;

async function allScenes() {
  const page = await browser.newPage();
  await page.goto(`${address}dev.html?scene=home`);
  await page.waitForSelector("html[data-scene=ready]", { state: "attached" });
  const found = await page.evaluate(() => globalThis.confabDeveloper.scenes.map(({ name }) => name));
  await page.close();
  return found;
}
