import type { ReactElement } from "react";
import { Label, Radio, RadioGroup, Text } from "react-aria-components";
import "./kit.css";

interface SegmentedProps<Value extends string> {
  label: string;
  text?: string;
  value: Value;
  options: readonly { value: Value; label: string }[];
  onChange: (value: Value) => void;
}

/** One of a few, all of them seen. Arrows go between them. */
export function Segmented<Value extends string>({ label, text, value, options, onChange }: SegmentedProps<Value>): ReactElement {
  return (
    <RadioGroup className="srow wraps" value={value} orientation="horizontal" onChange={(chosen) => onChange(chosen as Value)}>
      <span className="grow">
        <Label className="block">{label}</Label>
        {text !== undefined && <Text slot="description" className="xs dim">{text}</Text>}
      </span>
      <span className="seg">
        {options.map((option) => <Radio key={option.value} value={option.value}>{option.label}</Radio>)}
      </span>
    </RadioGroup>
  );
}
