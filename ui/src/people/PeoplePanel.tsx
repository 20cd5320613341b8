import { useRef, type ReactElement } from "react";
import type { ParticipantInfo } from "../bridge/protocol.generated";
import { SoundBars } from "../call/stage/SoundBars";
import { tilePerson } from "../call/stage/tile_people";
import { Avatar } from "../design/Avatar";
import { Button } from "../design/controls";
import { usePanelFocus } from "../design/focus";
import { Icon } from "../design/Icon";
import { useCall, useSession } from "../state/context";
import { raisedHands, sends } from "../state/people";
import { duration, useNow } from "../state/time";
import { words } from "../words";

/** Who is in the call: raised hands in their order, then everybody. */
export function PeoplePanel(): ReactElement {
  const session = useSession();
  const call = useCall();
  const panel = useRef<HTMLElement>(null);
  const close = (): void => session.dispatch({ type: "panel_closed" });
  const onKeyDown = usePanelFocus(panel, "people", close);
  const hands = raisedHands(call.participants);
  const own = call.participants.filter(({ id }) => id === call.me);
  const others = call.participants.filter(({ id }) => id !== call.me);
  return (
    <aside className="panel" aria-label={words.people.heading} data-region="panel" ref={panel} onKeyDown={onKeyDown}>
      <header>
        <h2 tabIndex={-1}>{words.people.heading}</h2>
        <span className="tag num">{call.participants.length}</span>
        <span className="grow" />
        <Button kind="ghost sm" onPress={() => void session.copyLink()}>
          <Icon name="user-plus" size={16} />
          {words.people.invite}
        </Button>
        <Button kind="ghost icon sm" aria-label={words.people.close} onPress={close}>
          <Icon name="close" size={16} />
        </Button>
      </header>
      <div className="body" data-scrolls tabIndex={0} role="group" aria-label={words.people.inTheCall}>
        {hands.length > 0 && <RaisedHands hands={hands} />}
        <h3 className="sect">{words.people.inTheCall}</h3>
        <ul>{[...own, ...others].map((participant) => <PersonLine key={participant.id} participant={participant} />)}</ul>
      </div>
    </aside>
  );
}

function RaisedHands({ hands }: { hands: readonly ParticipantInfo[] }): ReactElement {
  const now = useNow();
  return (
    <>
      <h3 className="sect"><Icon name="hand" size={16} />{words.people.raisedHands}</h3>
      <ol className="hands">
        {hands.map((participant, index) => (
          <li className="li" key={participant.id}>
            <span className="ord num">{index + 1}</span>
            <Avatar id={participant.id} name={participant.name} />
            <span className="grow">
              <span className="med trunc block">{participant.name}</span>
              <span className="xs dim num">{words.people.handFor(duration(now - (participant.hand_raised_at ?? now)))}</span>
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}

function PersonLine({ participant }: { participant: ParticipantInfo }): ReactElement {
  const call = useCall();
  const person = tilePerson(call, participant);
  const facts = [
    ...(person.me ? [words.people.you] : []),
    ...(words.people.roles[participant.role] === "" ? [] : [words.people.roles[participant.role]]),
    ...(sends(participant, "screen") || (person.me && call.media.share !== null) ? [words.people.sharing] : []),
  ];
  const quality = person.quality === "good" ? null : person.quality === "weak" ? `${words.call.weak}: ${words.call.weakText}` : `${words.call.bad}: ${words.call.badText}`;
  const trouble = participant.connection === "connected" ? quality : words.people[participant.connection];
  return (
    <li className="li">
      <Avatar id={participant.id} name={participant.name} />
      <span className="grow">
        <span className="med trunc block">{participant.name}</span>
        {facts.length > 0 && <span className="xs dim block">{capital(facts.join(" · "))}</span>}
        {trouble !== null && !person.me && <span className="xs warn-text block">{trouble}</span>}
      </span>
      <span className={person.microphoneOn ? "mark" : "mark danger-text"} role="img" aria-label={person.microphoneOn ? words.people.microphoneOn : words.people.microphoneOff}>
        {person.speaking ? <SoundBars /> : <Icon name={person.microphoneOn ? "mic" : "mic-off"} size={18} />}
      </span>
      <span className={person.cameraOn ? "mark" : "mark dim"} role="img" aria-label={person.cameraOn ? words.people.cameraOn : words.people.cameraOff}>
        <Icon name={person.cameraOn ? "camera" : "camera-off"} size={18} />
      </span>
    </li>
  );
}

function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}
