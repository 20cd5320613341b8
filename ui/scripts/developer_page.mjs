// The developer page, built once and opened in Chromium: scene by scene, always the same moment, nothing moving.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, preview } from "vite";
import { launchChromium } from "./chromium.mjs";

export const ROOT = join(import.meta.dirname, "../..");
export const THEMES = ["dark", "light", "hc"];
/** A Thursday morning at work. */
const MOMENT = "2026-11-26T09:41:00";
/** Pictures come four times a second, and a tile asks for its own after its place is settled. */
const SETTLE_MS = 900;

export class DeveloperPage {
  #folder;
  #server;
  #browser;
  #address;
  #page = null;
  #size = "";
  /** What the page complained of since `open`. */
  errors = [];

  static async start() {
    const outDir = await mkdtemp(join(tmpdir(), "confab-developer-page-"));
    const root = join(ROOT, "ui");
    await build({ root, logLevel: "error", build: { outDir, emptyOutDir: true, rollupOptions: { input: join(root, "dev.html") } } });
    const started = new DeveloperPage();
    started.#folder = outDir;
    started.#server = await preview({ root, logLevel: "error", build: { outDir }, preview: { host: "127.0.0.1", port: 0 } });
    started.#address = started.#server.resolvedUrls.local[0];
    started.#browser = await launchChromium();
    return started;
  }

  /** Every scene: `name`, the `sizes` that make sense, and which pictures of it to `keep`. */
  async scenes() {
    await this.open("home", "1440x900");
    return this.#page.evaluate(() => globalThis.confabDeveloper.scenes);
  }

  /** Shows a scene in the dark theme. */
  async open(scene, size) {
    if (this.#size !== size) {
      await this.#page?.context().close();
      const [width, height] = size.split("x").map(Number);
      const context = await this.#browser.newContext({ viewport: { width, height }, reducedMotion: "reduce", locale: "en-GB", timezoneId: "UTC" });
      this.#page = await context.newPage();
      await this.#page.clock.setFixedTime(new Date(`${MOMENT}Z`));
      this.#page.on("pageerror", (error) => this.errors.push(error.message));
      this.#page.on("console", (message) => { if (message.type() === "error") this.errors.push(message.text()); });
      this.#size = size;
    }
    this.errors = [];
    await this.#page.goto(`${this.#address}dev.html?scene=${scene}&theme=dark&still`);
    await this.#page.waitForSelector("html[data-scene=ready]", { state: "attached", timeout: 15_000 }).catch(() => this.errors.push("the scene did not come up"));
    await this.#page.waitForTimeout(SETTLE_MS);
  }

  async setTheme(theme) {
    await this.#page.evaluate((name) => globalThis.confabDeveloper.setTheme(name), theme);
    await this.#page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  }

  async screenshot(path) {
    await this.#page.screenshot({ path });
  }

  /** Runs a script's text, then a function with an argument, in the page. */
  async evaluate(script, ask, argument) {
    await this.#page.evaluate(script);
    return this.#page.evaluate(ask, argument);
  }

  async close() {
    await this.#browser.close();
    await this.#server.close();
    await rm(this.#folder, { recursive: true });
  }
}
