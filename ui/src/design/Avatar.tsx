import type { CSSProperties, ReactElement } from "react";
import { hueOf, initials } from "./person";

/** The hue of a person as the custom property `--h`. */
export function hueStyle(id: string): CSSProperties {
  return { "--h": hueOf(id) } as CSSProperties;
}

export function Avatar({ id, name, size = 34 }: { id: string; name: string; size?: 30 | 34 }): ReactElement {
  return (
    <span className={`avatar s${size}`} style={hueStyle(id)} aria-hidden="true">
      {initials(name)}
    </span>
  );
}
