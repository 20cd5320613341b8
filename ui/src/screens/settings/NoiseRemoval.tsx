import type { ReactElement } from "react";
import { Switch } from "../../design/Switch";
import { useApp, useSession } from "../../state/context";
import { words } from "../../words";

/** Noise removal, which holds at once, in a running call too. */
export function NoiseRemoval(): ReactElement {
  const session = useSession();
  const on = useApp((state) => state.settings.noise_removal);
  return <Switch label={words.devices.noiseRemoval} text={words.devices.noiseRemovalText} on={on} onChange={(next) => void session.setNoiseRemoval(next)} />;
}
