import type { ReactElement } from "react";

/** "Speaks now", as a shape: three bars. They stand still; the ring around the tile comes and goes. */
export function SoundBars(): ReactElement {
  return (
    <span className="eq" aria-hidden="true">
      <i className="low" />
      <i className="high" />
      <i className="middle" />
    </span>
  );
}
