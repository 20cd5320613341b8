/** What the dock's buttons and the shortcuts do. One place, so that both do the same. */
import { useState } from "react";
import type { CallLayout } from "../bridge/commands";
import type { Reaction } from "../bridge/protocol.generated";
import { LAYOUTS } from "../state/app_state";
import { useApp, useCall, useSession } from "../state/context";

export interface CallControls {
  /** The device that was asked for and is not on yet. */
  pending: "microphone" | "camera" | null;
  dialog: "share" | "shortcuts" | null;
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
  /** The panel of figures is open. */
  statistics: boolean;
  toggleStatistics: () => void;
  setLayout: (layout: CallLayout) => void;
  nextLayout: () => void;
  toggleHideSelf: () => void;
  toggleFullScreen: () => void;
  toggleMini: () => void;
  copyLink: () => void;
  react: (reaction: Reaction) => void;
  leave: () => void;
}

export function useControls(): CallControls {
  const session = useSession();
  const { media, grants } = useCall();
  const [pending, setPending] = useState<CallControls["pending"]>(null);
  const layout = useApp((state) => state.settings.layout);
  const hideSelf = useApp((state) => state.settings.hide_self);
  const [statistics, setStatistics] = useState(false);
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
    showSettings: () => session.openSettings(),
    closeDialog: () => setDialog(null),
    statistics,
    toggleStatistics: () => setStatistics((open) => !open),
    setLayout: (next) => void session.changeSettings({ layout: next }),
    nextLayout: () => void session.changeSettings({ layout: LAYOUTS[(LAYOUTS.indexOf(layout) + 1) % LAYOUTS.length] ?? "grid" }),
    toggleHideSelf: () => void session.changeSettings({ hide_self: !hideSelf }),
    toggleFullScreen: () => void session.toggleWindowMode("full_screen"),
    toggleMini: () => void session.toggleWindowMode("mini"),
    copyLink: () => void session.copyLink(),
    react: (reaction) => void session.run("react", { reaction }),
    leave: () => void session.leave(),
  };
}
