import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { systemThemes } from "./vite_themes.ts";

/** Each page is a bundle of its own: the desktop's has nothing of the browser's in it, and the other way round. */
const BUNDLES = {
  desktop: { outDir: "dist", input: "index.html" },
  browser: { outDir: "dist-browser", input: "browser.html" },
};

export default defineConfig(({ mode }) => {
  const { outDir, input } = mode === "browser" ? BUNDLES.browser : BUNDLES.desktop;
  return {
    plugins: [systemThemes(), react()],
    base: "./",
    // Only one page is built: dev.html and the fixture stay out of every bundle.
    build: { target: "es2022", outDir, emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false }, rollupOptions: { input } },
    server: { host: "127.0.0.1", port: 5173, strictPort: false },
    test: {
      environment: "happy-dom",
      include: ["src/**/*.test.{ts,tsx}"],
      setupFiles: ["src/test_setup.ts"],
      css: false,
      // Many draw a whole call, and a build may run beside them.
      testTimeout: 20_000,
    },
  };
});
