/** What the dock's buttons and the shortcuts do. One place, so that both do the same. */
import { useState } from "react";
import { useCall, useSession } from "../state/context";

export interface CallControls {
  /** The device that was asked for and is not on yet. */
  pending: "microphone" | "camera" | null;
  dialog: "share" | "shortcuts" | "settings" | null;
  toggleMicrophone: () => void;
  setMicrophone: (on: boolean) => void;
  toggleCamera: () => void;
  toggleShare: () => void;
  toggleHand: () => void;
  toggleChat: () => void;
  togglePeople: () => void;
  showShortcuts: () => void;
  showSettings: () => void;
  closeDialog: () => void;
  leave: () => void;
}

export function useControls(): CallControls {
  const session = useSession();
  const { media, grants } = useCall();
  const [pending, setPending] = useState<CallControls["pending"]>(null);
  const [dialog, setDialog] = useState<CallControls["dialog"]>(null);
  const during = async (kind: "microphone" | "camera", work: Promise<unknown>): Promise<void> => {
    setPending(kind);
    await work;
    setPending(null);
  };
  const setMicrophone = (on: boolean): void => void session.run("set_microphone_on", { on });
  return {
    pending,
    dialog,
    toggleMicrophone: () => setMicrophone(!media.microphone_on),
    setMicrophone,
    toggleCamera: () => void during("camera", session.run("set_camera_on", { on: !media.camera_on })),
    toggleShare: () => {
      if (media.share !== null) void session.run("share_stop", {});
      else if (grants.share_screen) setDialog("share");
    },
    toggleHand: () => void session.run("hand_set", { raised: !media.hand_raised }),
    toggleChat: () => session.dispatch({ type: "panel_toggled", panel: "chat" }),
    togglePeople: () => session.dispatch({ type: "panel_toggled", panel: "people" }),
    showShortcuts: () => setDialog("shortcuts"),
    showSettings: () => setDialog("settings"),
    closeDialog: () => setDialog(null),
    leave: () => void session.leave(),
  };
}
