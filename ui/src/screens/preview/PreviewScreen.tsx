import type { ReactElement } from "react";
import { useShortcuts } from "../../call/use_shortcuts";
import { TitleBar } from "../../design/TitleBar";
import { Toasts } from "../../design/Toasts";
import { Button } from "../../design/controls";
import { Icon } from "../../design/Icon";
import { switchedOn, type Screen } from "../../state/app_state";
import { useApp, useSession } from "../../state/context";
import { words } from "../../words";
import { PreviewForm } from "./PreviewForm";
import { PreviewPicture } from "./PreviewPicture";
import { usePreview } from "./use_preview";
import "./preview.css";

type PreviewState = Extract<Screen, { name: "preview" }>;

/** Before joining: how one is seen and heard, and which devices do it. */
export function PreviewScreen({ screen }: { screen: PreviewState }): ReactElement {
  const session = useSession();
  const cameraOn = useApp((state) => switchedOn(state, "camera"));
  const microphoneOn = useApp((state) => switchedOn(state, "microphone"));
  usePreview(screen.resting.length === 0 || cameraOn || microphoneOn, false);
  useShortcuts({
    camera: () => void session.switchDevices(["camera"], !cameraOn),
    microphone: () => void session.switchDevices(["microphone"], !microphoneOn),
    settings: () => session.openSettings(),
  });
  const { intent } = screen;
  const title = intent.kind === "start" ? intent.title.trim() || words.preview.untitled : intent.title || intent.link.code;
  return (
    <div className="window">
      <TitleBar
        title={title}
        beside={intent.kind === "join" && intent.title !== "" ? <span className="muted xs num">{intent.link.code}</span> : null}
        end={(
          <Button kind="ghost sm" onPress={() => session.leavePreview()}>
            <Icon name="chevron-left" size={15} />
            {words.preview.back}
          </Button>
        )}
      />
      <main className="pj">
        <PreviewPicture resting={screen.resting.length === 2} />
        <PreviewForm screen={screen} />
        <Toasts />
      </main>
    </div>
  );
}
