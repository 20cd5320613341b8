import { useId, type ReactElement } from "react";
import { Switch as AriaSwitch } from "react-aria-components";
import "./kit.css";

interface SwitchProps {
  label: string;
  /** A second line: what it does or costs. */
  text?: string;
  on: boolean;
  onChange: (on: boolean) => void;
}

/** A line with a switch at its end. The whole line is pressed; only the label is its name. */
export function Switch({ label, text, on, onChange }: SwitchProps): ReactElement {
  const id = useId();
  const described = text === undefined ? {} : { "aria-describedby": `${id}-text` };
  return (
    <AriaSwitch className="srow" isSelected={on} onChange={onChange} aria-labelledby={id} {...described}>
      <span className="grow">
        <span id={id} className="block">{label}</span>
        {text !== undefined && <span id={`${id}-text`} className="xs dim">{text}</span>}
      </span>
      <span className={on ? "switch on" : "switch"} />
    </AriaSwitch>
  );
}
