import type { Plugin } from "vite";

/** Writes the theme blocks of tokens.css once more for people who follow the system, so that there is one source. */
export function withSystemThemes(tokens: string): string {
  const light = block(tokens, "light");
  const contrast = block(tokens, "hc");
  return `${tokens}
@media (prefers-color-scheme: light) { :root:not([data-theme]) {${light}} }
@media (prefers-contrast: more) { :root:not([data-theme]) {${contrast}} }
`;
}

function block(tokens: string, theme: string): string {
  const found = new RegExp(`:root\\[data-theme="${theme}"\\] \\{([^}]*)\\}`).exec(tokens)?.[1];
  if (found === undefined) throw new Error(`tokens.css has no block for the theme ${theme}`);
  return found;
}

/** Applies `withSystemThemes` to tokens.css. */
export function systemThemes(): Plugin {
  return {
    name: "confab-system-themes",
    enforce: "pre",
    transform(code, id) {
      return id.split("?")[0]?.endsWith("/design/tokens.css") ? withSystemThemes(code) : undefined;
    },
  };
}
