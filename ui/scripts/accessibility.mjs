// axe-core on the scene that is shown: every rule of WCAG 2.2 A and AA, and separately what is good practice.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"];

/** What is wrong: `rule`, `standard` (false: only good practice), `selector`, `why`. */
export async function violations(developerPage) {
  // The one rule of WCAG 2.2 is off unless it is named.
  const options = { runOnly: [...STANDARD, "best-practice"], rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] };
  const found = await developerPage.evaluate(AXE, async (how) => {
    const { violations } = await globalThis.axe.run(document, how);
    return violations.flatMap(({ id, tags, nodes }) =>
      nodes.map(({ target, failureSummary }) => ({ rule: id, tags, selector: target.flat().join(" "), why: failureSummary ?? "" })));
  }, options);
  return found.map(({ rule, tags, selector, why }) => ({
    rule,
    standard: tags.some((tag) => STANDARD.includes(tag)),
    selector,
    why: why.split("\n").slice(1).map((line) => line.trim()).join(" "),
  }));
}
