import type { ReactElement } from "react";
import { PREVIEW_TILE, type DeviceKind } from "../../../bridge/commands";
import { Picture, useHasPicture, VideoSurface } from "../../../call/video/VideoSurface";
import { Button } from "../../../design/controls";
import { Icon } from "../../../design/Icon";
import { SectionCard } from "../../../design/SectionCard";
import { Switch } from "../../../design/Switch";
import { useApp, useSession } from "../../../state/context";
import { isThere, problemWords } from "../../../state/devices";
import { words } from "../../../words";
import { DeviceSelect } from "../../preview/DeviceSelect";
import { LevelMeter } from "../../preview/LevelMeter";
import { SpeakerTest } from "../../preview/SpeakerTest";
import { usePreview } from "../../preview/use_preview";
import { NoiseRemoval } from "../NoiseRemoval";

/** Which devices, and whether they work: the level, a sound and the picture are live. */
export function SoundSection(): ReactElement {
  const session = useSession();
  const alone = useApp((state) => state.screen.name === "settings");
  const inCall = useApp((state) => state.call !== null);
  const mirror = useApp((state) => state.settings.mirror);
  // Over a call or the preview the devices are open already, and the picture is behind the dialog.
  usePreview(alone, true);
  return (
    <>
      <SectionCard title={words.preview.microphone}>
        <div className="pad"><DeviceSelect kind="microphone" hideLabel /></div>
        <div className="level-row"><span className="xs dim">{words.settings.sound.now}</span><div className="grow"><LevelMeter evenOff={alone || inCall} /></div></div>
        <DeviceNote kind="microphone" />
        <hr />
        <NoiseRemoval />
      </SectionCard>
      <SectionCard title={words.preview.speaker}>
        <div className="pad row">
          <DeviceSelect kind="speaker" hideLabel />
          <SpeakerTest />
        </div>
        <DeviceNote kind="speaker" />
      </SectionCard>
      <SectionCard title={words.preview.camera}>
        <div className="camera-row">
          {alone && <OwnPicture mirror={mirror} />}
          <div className="grow">
            <div className="pad"><DeviceSelect kind="camera" hideLabel /></div>
            <DeviceNote kind="camera" />
            {!alone && <WhereThePictureIs />}
            <Switch label={words.settings.sound.mirror} text={words.settings.sound.mirrorText} on={mirror} onChange={(on) => void session.changeSettings({ mirror: on })} />
          </div>
        </div>
      </SectionCard>
    </>
  );
}

function WhereThePictureIs(): ReactElement {
  const inCall = useApp((state) => state.call !== null);
  return <p className="xs dim where">{inCall ? words.settings.sound.pictureInCall : words.settings.sound.pictureElsewhere}</p>;
}

function OwnPicture({ mirror }: { mirror: boolean }): ReactElement {
  const usable = useApp((state) => isThere(state.devices, "camera", state.settings.devices.camera) && state.problems.camera === undefined);
  const hasPicture = useHasPicture(PREVIEW_TILE) && usable;
  return (
    <div className={hasPicture ? "own-picture" : "own-picture empty-picture"}>
      <VideoSurface />
      {usable && <Picture tileKey={PREVIEW_TILE} mirrored={mirror} radius={12} />}
      {!hasPicture && <Icon name={usable ? "camera" : "camera-off"} size={26} />}
    </div>
  );
}

/** Why a device does not work, and the way to try again. */
function DeviceNote({ kind }: { kind: DeviceKind }): ReactElement | null {
  const session = useSession();
  const problem = useApp((state) => state.problems[kind]);
  const inCall = useApp((state) => state.call !== null);
  const alone = useApp((state) => state.screen.name === "settings");
  if (problem === undefined) return null;
  const { title } = problemWords(problem);
  const again = (): void => {
    if (!inCall) void session.preview(alone);
    else void session.run(kind === "camera" ? "set_camera_on" : "set_microphone_on", { on: true });
  };
  return (
    <div className="note warn" role="status">
      <Icon name="warning" size={18} />
      <span className="grow">
        <b className="med block">{title}</b>
        {problem.message !== "" && <span className="xs muted">{problem.message}</span>}
      </span>
      {kind !== "speaker" && <Button kind="sm" onPress={again}>{words.preview.tryAgain}</Button>}
    </div>
  );
}
