import { useState, type ReactElement } from "react";
import { Button } from "../../design/controls";
import { Icon } from "../../design/Icon";
import { useApp, useSession } from "../../state/context";
import { isThere } from "../../state/devices";
import { words } from "../../words";

/** Plays a sound on the chosen speaker, so that one knows it is the right one. */
export function SpeakerTest(): ReactElement | null {
  const session = useSession();
  const there = useApp((state) => isThere(state.devices, "speaker", state.settings.devices.speaker));
  const [playing, setPlaying] = useState(false);
  if (!there) return null;
  const play = async (): Promise<void> => {
    setPlaying(true);
    await session.testSpeaker();
    setPlaying(false);
  };
  return (
    <Button aria-label={playing ? words.preview.testingSpeaker : words.preview.testSpeakerName} busy={playing ? words.preview.testingSpeaker : undefined} onPress={() => void play()}>
      <Icon name="play" size={15} />
      {words.preview.testSpeaker}
    </Button>
  );
}
