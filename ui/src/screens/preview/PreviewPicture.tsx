import type { ReactElement } from "react";
import { PREVIEW_TILE, type DeviceProblem } from "../../bridge/commands";
import { DockToggle } from "../../call/dock/DockToggle";
import { Picture, useHasPicture, VideoSurface } from "../../call/video/VideoSurface";
import { Button } from "../../design/controls";
import { Icon } from "../../design/Icon";
import { switchedOn } from "../../state/app_state";
import { useApp, useIsDesktop, useSession } from "../../state/context";
import { isThere, problemWords } from "../../state/devices";
import { words } from "../../words";
import { problemDetail } from "../../words/errors";

/** My own picture, a mirror if I want it so, or the honest reason why there is none. `resting`: nothing is on before I act. */
export function PreviewPicture({ resting }: { resting: boolean }): ReactElement {
  const session = useSession();
  const settings = useApp((state) => state.settings);
  const cameraOn = useApp((state) => switchedOn(state, "camera"));
  const microphoneOn = useApp((state) => switchedOn(state, "microphone"));
  const problem = useApp((state) => state.problems.camera);
  const there = useApp((state) => isThere(state.devices, "camera", state.settings.devices.camera));
  const shown = cameraOn && there && problem === undefined;
  const hasPicture = useHasPicture(PREVIEW_TILE) && shown;
  return (
    <div className={hasPicture ? "pv" : "pv empty-picture"}>
      <VideoSurface />
      {shown && <Picture tileKey={PREVIEW_TILE} mirrored={settings.mirror} radius={22} />}
      {resting ? <Resting /> : !hasPicture && <Reason on={cameraOn} there={there} problem={problem} />}
      {settings.name.trim() !== "" && <div className="pvn trunc">{settings.name}</div>}
      <div className="pvd">
        <DockToggle
          kind="microphone"
          on={microphoneOn}
          pending={false}
          onToggle={() => void session.switchDevices(["microphone"], !microphoneOn)}
        />
        <DockToggle
          kind="camera"
          on={cameraOn}
          pending={shown && !hasPicture}
          onToggle={() => void session.switchDevices(["camera"], !cameraOn)}
        />
      </div>
    </div>
  );
}

/** A link opened this preview: it opens no device of itself. */
function Resting(): ReactElement {
  const session = useSession();
  return (
    <div className="bk">
      <span className="well"><Icon name="camera-off" size={30} /></span>
      <h2 data-focus-first>{words.preview.restingTitle}</h2>
      <p>{words.preview.restingText}</p>
      <Button onPress={() => void session.switchDevices(["camera", "microphone"], true)}>{words.preview.wake}</Button>
    </div>
  );
}

/** There is nothing to open. `again`: opening was tried, and may be once more. */
function NoCamera({ again }: { again: boolean }): ReactElement {
  const session = useSession();
  const desktop = useIsDesktop();
  return (
    <div className="bk">
      <span className="well"><Icon name="camera-off" size={30} /></span>
      <h2>{words.preview.noCameraTitle}</h2>
      <p>{desktop ? words.preview.noCameraText : words.browser.noCameraText}</p>
      <div className="row wraps">
        {desktop && <Button onPress={() => void session.chooseDevices({ camera: { kind: "test" } })}>{words.preview.useTestPicture}</Button>}
        {again && <Button onPress={() => void session.preview()}>{words.preview.tryAgain}</Button>}
      </div>
    </div>
  );
}

function Reason({ on, there, problem }: { on: boolean; there: boolean; problem: DeviceProblem | undefined }): ReactElement {
  const session = useSession();
  const chosen = useApp((state) => state.settings.devices.camera.kind);
  const none = useApp((state) => state.devices.cameras.length === 0);
  // A reason that says no more than that there is no camera at all has its own words, of what this window offers.
  if (on && chosen !== "none" && (problem === undefined ? !there : problem.reason === "missing" && none)) return <NoCamera again={problem !== undefined} />;
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
  if (on && there) return <div className="bk quiet" role="status"><p>{words.preview.cameraStarting}</p></div>;
  return (
    <div className="bk">
      <span className="well"><Icon name="camera-off" size={30} /></span>
      <h2>{chosen === "none" ? words.preview.noCameraChosen : words.preview.cameraOffTitle}</h2>
      <p>{words.preview.cameraOffText}</p>
    </div>
  );
}
