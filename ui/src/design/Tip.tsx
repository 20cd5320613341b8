import type { ReactElement } from "react";
import { Tooltip, TooltipTrigger } from "react-aria-components";

interface TipProps {
  /** What pressing does. Never the only place of a fact. */
  text: string;
  shortcut?: string;
  placement?: "top" | "bottom" | "left" | "right";
  /** The control: a button of React Aria. */
  children: ReactElement;
}

/** A verb and its shortcut, beside a control after 500 ms. */
export function Tip({ text, shortcut, placement = "top", children }: TipProps): ReactElement {
  return (
    <TooltipTrigger delay={500} closeDelay={0}>
      {children}
      <Tooltip className="tip" placement={placement} offset={8}>
        {text}
        {shortcut !== undefined && <kbd>{shortcut}</kbd>}
      </Tooltip>
    </TooltipTrigger>
  );
}
