import { useEffect, useRef, type ReactElement, type ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
}

/** A dialog: its title gets the focus, Escape takes the harmless way. */
export function Dialog({ title, onClose, children }: DialogProps): ReactElement {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <ModalOverlay className="scrim" isOpen isDismissable onOpenChange={(open) => { if (!open) onClose(); }}>
      <Modal>
        <AriaDialog className="dialog">
          <Heading slot="title" level={2} ref={heading} tabIndex={-1}>{title}</Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
