import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { systemThemes } from "./vite_themes.ts";

export default defineConfig({
  plugins: [systemThemes(), react()],
  base: "./",
  // Only index.html is built: dev.html and the fixture stay out of the bundle.
  build: { target: "es2022", outDir: "dist", emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { host: "127.0.0.1", port: 5173, strictPort: false },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test_setup.ts"],
    css: false,
    // Many draw a whole call, and a build may run beside them.
    testTimeout: 20_000,
  },
});
