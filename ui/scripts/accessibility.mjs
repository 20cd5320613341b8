// axe-core on the scene that is shown: every rule of WCAG 2.2 A and AA, and separately what is good practice.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"];

/** What is wrong: `rule`, `standard` (false: only good practice), `selector`, `html`, `why`. */
export async function violations(developerPage) {
  // The one rule of WCAG 2.2 is off unless it is named.
  const options = { runOnly: [...STANDARD, "best-practice"], rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] };
  const found = await developerPage.evaluate(AXE, async (how) => {
    // React Aria's ids differ in every run, so a selector is made of what stands in our sources.
    const step = (element) => {
      const label = element.getAttribute("data-control") ?? element.getAttribute("data-region");
      return element.tagName.toLowerCase() + [...element.classList].map((name) => `.${name}`).join("") + (label === null ? "" : `[${label}]`);
    };
    const selectorOf = (element) => {
      const steps = [];
      for (let at = element; at !== null && at.tagName !== "BODY" && steps.length < 4; at = at.parentElement) steps.unshift(step(at));
      return steps.join(" > ");
    };
    const { violations } = await globalThis.axe.run(document, how);
    return violations.flatMap(({ id, tags, nodes }) =>
      nodes.map(({ element, target, html, failureSummary }) => ({
        rule: id,
        tags,
        selector: selectorOf(element ?? document.querySelector(target.flat().join(" ")) ?? document.documentElement),
        html: html.length > 240 ? `${html.slice(0, 240)}…` : html,
        why: failureSummary ?? "",
      })));
  }, options);
  return found.map(({ rule, tags, selector, html, why }) => ({
    rule,
    standard: tags.some((tag) => STANDARD.includes(tag)),
    selector,
    html,
    why: why.split("\n").slice(1).map((line) => line.trim()).join(" ").slice(0, 240),
  }));
}
