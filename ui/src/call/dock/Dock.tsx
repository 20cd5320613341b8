import type { ReactElement } from "react";
import { Button } from "react-aria-components";
import { arrowsBetweenButtons } from "../../design/focus";
import { Icon } from "../../design/Icon";
import { Tip } from "../../design/Tip";
import { useCall, useSession } from "../../state/context";
import { handPlace, raisedHands } from "../../state/people";
import { words } from "../../words";
import { useKeysText } from "../use_shortcuts";
import type { CallControls } from "../use_controls";
import { DockToggle } from "./DockToggle";
import { MoreMenu } from "./MoreMenu";
import { ReactionButton } from "./ReactionButton";

interface DockProps {
  controls: CallControls;
  narrow: boolean;
}

/** The call's controls. Where something is started is where it is stopped. */
export function Dock({ controls, narrow }: DockProps): ReactElement {
  const call = useCall();
  const session = useSession();
  const { media } = call;
  const keys = useKeysText();
  return (
    <div className={narrow ? "sdock" : "dock"} role="toolbar" aria-label={words.dock.toolbar} data-region="dock" onKeyDown={arrowsBetweenButtons}>
      {!narrow && (
        <div className="row start">
          <Tip text={words.call.copyLink}>
            <Button preventFocusOnPress className="dk plain" aria-label={`${words.call.copyLink}, ${call.code}`} onPress={() => void session.copyLink()}>
              <Icon name="link" size={20} />
              <span className="num code">{call.code}</span>
            </Button>
          </Tip>
        </div>
      )}
      <div className="mid">
        <DockToggle kind="microphone" on={media.microphone_on} pending={controls.pending === "microphone"} onToggle={controls.toggleMicrophone} withoutMenu={narrow} />
        <DockToggle kind="camera" on={media.camera_on} pending={controls.pending === "camera"} onToggle={controls.toggleCamera} withoutMenu={narrow} />
        {call.grants.share_screen && <ShareButton sharing={media.share !== null} narrow={narrow} onPress={controls.toggleShare} />}
        {call.grants.hand && <HandButton place={handPlace(call.participants, call.me)} raised={media.hand_raised} onPress={controls.toggleHand} />}
        {!narrow && <ReactionButton onReact={controls.react} />}
        <MoreMenu onReact={narrow ? controls.react : null} withDevices={narrow} onShortcuts={controls.showShortcuts} onSettings={controls.showSettings} />
        {!narrow && <span className="sep" />}
        <Tip text={words.dock.leave} shortcut={keys("leave")}>
          <Button preventFocusOnPress className="dk leave" aria-label={words.dock.leave} onPress={controls.leave}>
            <Icon name="leave" size={22} />
            {!narrow && words.dock.leave}
          </Button>
        </Tip>
      </div>
      {!narrow && <div className="end"><PanelButtons controls={controls} /></div>}
    </div>
  );
}

/** Chat and People; in narrow windows they stand in the title bar. */
export function PanelButtons({ controls }: { controls: CallControls }): ReactElement {
  const call = useCall();
  const keys = useKeysText();
  const { unread } = call.chatState;
  const count = call.participants.length;
  const hands = raisedHands(call.participants).length;
  const peopleName = words.dock.people(count) + (hands > 0 ? `, ${words.dock.peopleHands(hands)}` : "");
  return (
    <>
      <Tip text={words.dock.chat} shortcut={keys("chat")}>
        <Button
          preventFocusOnPress
          className={call.panel === "chat" ? "dk plain active" : "dk plain"}
          aria-pressed={call.panel === "chat"}
          data-opens="chat"
          aria-label={unread > 0 ? words.dock.chatUnread(unread) : words.dock.chat}
          onPress={controls.toggleChat}
        >
          <Icon name="chat" size={21} />
          {unread > 0 && <span className="pip acc num" data-count={unread > 99 ? "99+" : unread} />}
        </Button>
      </Tip>
      <Tip text={words.people.heading} shortcut={keys("people")}>
        <Button
          preventFocusOnPress
          className={call.panel === "people" ? "dk plain active" : "dk plain"}
          aria-pressed={call.panel === "people"}
          data-opens="people"
          aria-label={peopleName}
          onPress={controls.togglePeople}
        >
          <Icon name="people" size={21} />
          <span className="num">{count}</span>
          {hands > 0 && <span className="pip beside num" data-count={hands} />}
        </Button>
      </Tip>
    </>
  );
}

/** As wide for the one name as for the other, so that nothing beside it moves when a share begins. */
function ShareButton({ sharing, narrow, onPress }: { sharing: boolean; narrow: boolean; onPress: () => void }): ReactElement {
  const keys = useKeysText();
  const name = sharing ? words.dock.stopSharing : words.dock.share;
  const icon = sharing ? "stop-share" : "share-screen";
  return (
    <Tip text={name} shortcut={keys("share")}>
      <Button preventFocusOnPress className={sharing ? "dk live" : "dk"} aria-label={name} onPress={onPress}>
        {narrow ? <Icon name={icon} size={22} /> : (
          <span className="steady" data-other={sharing ? words.dock.share : words.dock.stopSharing}>
            <span className="row"><Icon name={icon} size={22} /><span>{name}</span></span>
          </span>
        )}
      </Button>
    </Tip>
  );
}

function HandButton({ raised, place, onPress }: { raised: boolean; place: number | null; onPress: () => void }): ReactElement {
  const keys = useKeysText();
  const verb = raised ? (place === null ? words.dock.lowerHand : words.dock.lowerHandPlace(place)) : words.dock.raiseHand;
  return (
    <Tip text={verb} shortcut={keys("hand")}>
      <Button preventFocusOnPress className={raised ? "dk raised" : "dk"} aria-pressed={raised} aria-label={words.dock.raiseHand} onPress={onPress}>
        <Icon name="hand" size={22} />
      </Button>
    </Tip>
  );
}
