import type { ReactElement } from "react";
import { Button } from "./controls";
import { Dialog } from "./Dialog";

interface ConfirmDialogProps {
  /** The title is the question; the buttons are its answers. */
  question: string;
  text: string;
  yes: string;
  no: string;
  onYes: () => void;
  /** Also what Escape does. */
  onNo: () => void;
}

/** Asks before something that cannot be taken back. */
export function ConfirmDialog({ question, text, yes, no, onYes, onNo }: ConfirmDialogProps): ReactElement {
  return (
    <Dialog title={question} onClose={onNo}>
      <div className="dialog-body"><p className="muted md">{text}</p></div>
      <div className="answers">
        <Button kind="ghost" onPress={onNo}>{no}</Button>
        <Button kind="danger" onPress={onYes}>{yes}</Button>
      </div>
    </Dialog>
  );
}
