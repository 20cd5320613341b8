import type { ReactElement } from "react";
import { Mark } from "../../../design/Icon";
import { SectionCard } from "../../../design/SectionCard";
import { useApp } from "../../../state/context";
import { words } from "../../../words";

/** What this program is. The facts can be selected, for whoever is asked for them. */
export function AboutSection(): ReactElement {
  const info = useApp((state) => state.info);
  const text = words.settings.about;
  const facts: [string, string][] = [[text.version, info.version], [text.platform, text.platforms[info.platform]]];
  return (
    <SectionCard title={words.settings.sections.about}>
      <div className="pad row"><Mark size={28} /><b className="strong md">{words.product}</b></div>
      <dl className="about-facts">
        {facts.map(([name, value]) => (
          <div className="srow" key={name}>
            <dt className="grow muted">{name}</dt>
            <dd className="num selectable">{value}</dd>
          </div>
        ))}
      </dl>
      <p><b className="med block">{text.licence}</b><span className="muted">{text.licenceText}</span></p>
    </SectionCard>
  );
}
