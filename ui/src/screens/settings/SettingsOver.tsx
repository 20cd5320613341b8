import type { ReactElement } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { Button } from "../../design/controls";
import { Icon } from "../../design/Icon";
import { useApp, useSession } from "../../state/context";
import { words } from "../../words";
import { SettingsTabs } from "./SettingsTabs";

/** The same settings over a preview or a call, which goes on. */
export function SettingsOver(): ReactElement | null {
  const session = useSession();
  const section = useApp((state) => state.settingsOver);
  if (section === null) return null;
  return (
    <ModalOverlay className="scrim" isOpen isDismissable onOpenChange={(open) => { if (!open) session.closeSettings(); }}>
      <Modal>
        <AriaDialog className="dialog settings-dialog">
          <div className="settings-head">
            <Heading slot="title" level={2}>{words.settings.heading}</Heading>
            <Button kind="ghost icon sm" aria-label={words.settings.close} onPress={() => session.closeSettings()}><Icon name="close" size={17} /></Button>
          </div>
          <SettingsTabs section={section} />
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
