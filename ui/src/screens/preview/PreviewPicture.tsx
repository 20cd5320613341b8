import type { ReactElement } from "react";
import { PREVIEW_TILE, type DeviceProblem } from "../../bridge/commands";
import { DockToggle } from "../../call/dock/DockToggle";
import { Picture, useHasPicture, VideoSurface } from "../../call/video/VideoSurface";
import { Button } from "../../design/controls";
import { Icon } from "../../design/Icon";
import { useApp, useIsDesktop, useSession } from "../../state/context";
import { isThere, problemWords } from "../../state/devices";
import { words } from "../../words";
import { problemDetail } from "../../words/errors";

/** My own picture, a mirror if I want it so, or the honest reason why there is none. */
export function PreviewPicture(): ReactElement {
  const session = useSession();
  const settings = useApp((state) => state.settings);
  const problem = useApp((state) => state.problems.camera);
  const there = useApp((state) => isThere(state.devices, "camera", state.settings.devices.camera));
  const shown = settings.camera_on && there && problem === undefined;
  const hasPicture = useHasPicture(PREVIEW_TILE) && shown;
  return (
    <div className={hasPicture ? "pv" : "pv empty-picture"}>
      <VideoSurface />
      {shown && <Picture tileKey={PREVIEW_TILE} mirrored={settings.mirror} radius={22} />}
      {!hasPicture && <Reason on={settings.camera_on} there={there} problem={problem} />}
      {settings.name.trim() !== "" && <div className="pvn trunc">{settings.name}</div>}
      <div className="pvd">
        <DockToggle
          kind="microphone"
          on={settings.microphone_on}
          pending={false}
          onToggle={() => void session.saveSettings({ ...session.state.settings, microphone_on: !settings.microphone_on })}
        />
        <DockToggle
          kind="camera"
          on={settings.camera_on}
          pending={shown && !hasPicture}
          onToggle={() => void session.saveSettings({ ...session.state.settings, camera_on: !settings.camera_on })}
        />
      </div>
    </div>
  );
}

function Reason({ on, there, problem }: { on: boolean; there: boolean; problem: DeviceProblem | undefined }): ReactElement {
  const session = useSession();
  const chosen = useApp((state) => state.settings.devices.camera.kind);
  const desktop = useIsDesktop();
  if (on && problem !== undefined) {
    const { title } = problemWords(problem);
    return (
      <div className="bk warn">
        <span className="well"><Icon name="camera-off" size={30} /></span>
        <h2>{title.replace(/\.$/, "")}</h2>
        <p>{[problemDetail(problem), words.preview.cameraOffText].filter(Boolean).join(" ")}</p>
        <Button onPress={() => void session.preview()}>{words.preview.tryAgain}</Button>
      </div>
    );
  }
  if (on && !there && chosen !== "none") {
    return (
      <div className="bk">
        <span className="well"><Icon name="camera-off" size={30} /></span>
        <h2>{words.preview.noCameraTitle}</h2>
        <p>{words.preview.noCameraText}</p>
        {desktop && <Button onPress={() => void session.chooseDevices({ camera: { kind: "test" } })}>{words.preview.useTestPicture}</Button>}
      </div>
    );
  }
  if (on && there) return <div className="bk quiet" role="status"><p>{words.preview.cameraStarting}</p></div>;
  return (
    <div className="bk">
      <span className="well"><Icon name="camera-off" size={30} /></span>
      <h2>{chosen === "none" ? words.preview.noCameraChosen : words.preview.cameraOffTitle}</h2>
      <p>{words.preview.cameraOffText}</p>
    </div>
  );
}
