import { useEffect } from "react";
import { switchedOn } from "../../state/app_state";
import { useApp, useSession } from "../../state/context";

/**
 * Keeps camera and microphone open while mounted, anew with every change of them. `trial` opens both even when the
 * person joins with one off: in the settings they are tried, nobody else sees or hears them.
 */
export function usePreview(active: boolean, trial: boolean): void {
  const session = useSession();
  const devices = useApp((state) => state.settings.devices);
  const cameraOn = useApp((state) => switchedOn(state, "camera")) || trial;
  const microphoneOn = useApp((state) => switchedOn(state, "microphone")) || trial;
  useEffect(() => {
    if (active) void session.preview(trial);
  }, [session, active, trial, devices, cameraOn, microphoneOn]);
  useEffect(() => {
    if (!active) return undefined;
    return () => {
      session.level.set(0);
      void session.bridge.call("preview_stop", {}).catch(() => undefined);
    };
  }, [session, active]);
}
