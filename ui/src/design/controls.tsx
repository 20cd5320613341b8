/** Buttons and fields as the component sheet draws them. */
import type { ReactElement, ReactNode } from "react";
import { useId } from "react";
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from "react-aria-components";
import { Icon } from "./Icon";

export interface ButtonProps extends Omit<AriaButtonProps, "className" | "children"> {
  /** The classes of `.btn` beside it: `primary`, `ghost`, `danger`, `quiet-danger`, `sm`, `lg`, `icon`. */
  kind?: string;
  /** The verb in progress. The button keeps its focus, and a second press does nothing. */
  busy?: string | undefined;
  children: ReactNode;
}

export function Button({ kind = "", busy, children, onPress, ...rest }: ButtonProps): ReactElement {
  return (
    <AriaButton
      {...rest}
      {...(busy === undefined && onPress !== undefined ? { onPress } : {})}
      className={`btn ${kind}`.trim()}
      aria-disabled={busy !== undefined || undefined}
    >
      {busy === undefined ? children : (
        <>
          <span className="spinner" />
          {busy}
        </>
      )}
    </AriaButton>
  );
}

interface TextFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  error?: string | null;
  large?: boolean;
  maxLength?: number;
  autoFocus?: boolean;
  name?: string;
  onBlur?: () => void;
  /** The label is read but not seen, because something beside it says the same. */
  hideLabel?: boolean;
}

/** A field with its label above and its error below, the error with its cause. */
export function TextField(props: TextFieldProps): ReactElement {
  const id = useId();
  const error = props.error ?? null;
  return (
    <div className="labelled">
      <label htmlFor={id} className={props.hideLabel === true ? "visually-hidden" : undefined}>{props.label}</label>
      <input
        id={id}
        className={props.large === true ? "field lg" : "field"}
        type="text"
        name={props.name}
        value={props.value}
        placeholder={props.placeholder}
        maxLength={props.maxLength}
        autoFocus={props.autoFocus}
        autoComplete="off"
        spellCheck={false}
        aria-invalid={error !== null}
        aria-describedby={error === null ? undefined : `${id}-error`}
        onChange={(event) => props.onChange(event.target.value)}
        onBlur={props.onBlur}
      />
      {error !== null && (
        <p className="field-error" id={`${id}-error`} role="alert">
          <Icon name="warning" size={14} />
          {error}
        </p>
      )}
    </div>
  );
}
