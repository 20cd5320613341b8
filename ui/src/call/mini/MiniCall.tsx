import type { ReactElement } from "react";
import { Button } from "react-aria-components";
import { hueStyle } from "../../design/Avatar";
import { arrowsBetweenButtons } from "../../design/focus";
import { Icon } from "../../design/Icon";
import { initials } from "../../design/person";
import { Toasts } from "../../design/Toasts";
import { useApp, useCall } from "../../state/context";
import { sharers } from "../../state/people";
import { duration, useNow } from "../../state/time";
import { words } from "../../words";
import { LiveMicrophone } from "../dock/LiveMicrophone";
import { SoundBars } from "../stage/SoundBars";
import { tileFacts } from "../stage/TileMarks";
import { tilePerson, type TilePerson } from "../stage/tile_people";
import { useLargePerson } from "../stage/use_large_person";
import { useView } from "../stage/use_view";
import type { CallControls } from "../use_controls";
import { Picture, useHasPicture, VideoSurface } from "../video/VideoSurface";
import "./mini.css";

/** The call in the mini window, over others: who speaks or the share, me, and my microphone. */
export function MiniCall({ controls }: { controls: CallControls }): ReactElement {
  const call = useCall();
  const now = useNow();
  const hideSelf = useApp((state) => state.settings.hide_self);
  const mirrored = useApp((state) => state.settings.mirror);
  useView(call.me, call.pinned);
  const shares = sharers(call.participants, call.shares);
  const sharer = shares.find(({ id }) => id === call.largeShare) ?? shares[0];
  const large = useLargePerson(call);
  const own = call.participants.find(({ id }) => id === call.me);
  const shown = large ?? own;
  const offline = call.phase.phase === "reconnecting";
  const { microphone_on: microphoneOn, camera_on: cameraOn } = call.media;
  const joinedAt = own?.joined_at ?? now;
  return (
    <main className="mini" data-region="stage" data-tauri-drag-region>
      <VideoSurface />
      {sharer !== undefined
        ? <MiniShare id={sharer.id} name={sharer.name} frozen={offline} />
        : shown !== undefined && <MiniPerson person={tilePerson(call, shown)} mirrored={mirrored} />}
      {sharer === undefined && large !== undefined && own !== undefined && !hideSelf && cameraOn && <MiniSelf id={own.id} mirrored={mirrored} />}
      <div className="mini-top">
        <span className="mini-place">
          <span className="tbadge num shown-on-hover">{duration(now - joinedAt)}</span>
          <span className="tbadge hidden-on-hover" role="img" aria-label={words.dock.microphone[microphoneOn ? "on" : "off"]}>
            {microphoneOn ? <LiveMicrophone /> : <Icon name="mic-off" size={18} className="red" />}
          </span>
        </span>
        {offline && <span className="tbadge weak" role="status"><Icon name="wifi-off" size={15} />{words.call.notBeingSent}</span>}
        <span className="grow" />
        <Button className="tbadge shown-on-hover" aria-label={words.view.leaveMini} onPress={controls.toggleMini}><Icon name="expand" size={15} /></Button>
      </div>
      <div className="mini-dock shown-on-hover" role="toolbar" aria-label={words.dock.toolbar} data-region="dock" onKeyDown={arrowsBetweenButtons}>
        <Button className={microphoneOn ? "mini-button" : "mini-button off"} aria-label={words.dock.microphone[microphoneOn ? "on" : "off"]} onPress={controls.toggleMicrophone}>
          <Icon name={microphoneOn ? "mic" : "mic-off"} size={20} />
        </Button>
        <Button className={cameraOn ? "mini-button" : "mini-button off"} aria-label={words.dock.camera[cameraOn ? "on" : "off"]} onPress={controls.toggleCamera}>
          <Icon name={cameraOn ? "camera" : "camera-off"} size={20} />
        </Button>
        <Button className="mini-button leave" aria-label={words.dock.leave} onPress={controls.leave}><Icon name="leave" size={20} /></Button>
      </div>
      <Toasts />
    </main>
  );
}

function MiniPerson({ person, mirrored }: { person: TilePerson; mirrored: boolean }): ReactElement {
  const { participant, me, cameraOn, speaking, offline } = person;
  const key = `${participant.id}/camera`;
  const hasPicture = useHasPicture(key) && cameraOn;
  const frozen = !me && (offline || participant.connection === "rejoining");
  const name = me ? words.call.you(participant.name) : participant.name;
  return (
    <div
      className={`tile mini-main${hasPicture ? "" : " novid"}${speaking && !frozen ? " speaking" : ""}${frozen ? " frozen" : ""}`}
      style={hueStyle(participant.id)}
      role="img"
      aria-label={words.call.tile(name, tileFacts(person))}
      data-tauri-drag-region
    >
      {cameraOn && <Picture tileKey={key} mirrored={me && mirrored} frozen={frozen} radius={0} />}
      {!hasPicture && <span className="big" aria-hidden="true">{initials(participant.name)}</span>}
      <div className="name hidden-on-hover" aria-hidden="true">
        {!person.microphoneOn ? <Icon name="mic-off" size={15} className="red" /> : speaking && <SoundBars />}
        <span>{name}</span>
      </div>
    </div>
  );
}

/** A shared screen: fitted, and nobody's face over it. */
function MiniShare({ id, name, frozen }: { id: string; name: string; frozen: boolean }): ReactElement {
  const key = `${id}/screen`;
  const hasPicture = useHasPicture(key);
  return (
    <div className="mini-main share" role="img" aria-label={words.call.shareOf(name)} data-tauri-drag-region>
      <Picture tileKey={key} fit="whole" frozen={frozen} radius={0} />
      {!hasPicture && <span className="spinner" />}
    </div>
  );
}

function MiniSelf({ id, mirrored }: { id: string; mirrored: boolean }): ReactElement {
  return <div className="mini-self" aria-hidden="true"><Picture tileKey={`${id}/camera`} mirrored={mirrored} radius={10} /></div>;
}
