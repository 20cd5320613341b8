/** The canvas under the tiles, and the pieces of the page that show a picture on it. */
import { createContext, useContext, useEffect, useLayoutEffect, useMemo, useRef, useSyncExternalStore, type ReactElement, type ReactNode } from "react";
import { useApp, useSession } from "../../state/context";
import type { Fit } from "./fit";
import { VideoEngine } from "./video_engine";
import { WHOLE, type Zoom } from "./zoom";

const EngineContext = createContext<VideoEngine | null>(null);

export function VideoProvider({ children }: { children: ReactNode }): ReactElement {
  const { bridge } = useSession();
  const drawnNatively = useApp((state) => state.info.draws_pictures);
  const engine = useMemo(() => new VideoEngine(bridge, drawnNatively), [bridge, drawnNatively]);
  return <EngineContext value={engine}>{children}</EngineContext>;
}

export function useVideoEngine(): VideoEngine {
  const engine = useContext(EngineContext);
  if (engine === null) throw new Error("useVideoEngine outside a VideoProvider");
  return engine;
}

/** The one canvas. It lies under the tiles, fills its parent and hears no pointer. Where the native side draws, it is only a place. */
export function VideoSurface(): ReactElement {
  const engine = useVideoEngine();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => (canvas.current === null ? undefined : engine.attach(canvas.current)), [engine]);
  return <canvas className="video-surface" ref={canvas} aria-hidden="true" />;
}

interface PictureProps {
  tileKey: string;
  fit?: Fit;
  mirrored?: boolean;
  frozen?: boolean;
  radius?: number;
  zoom?: Zoom;
}

/** A place on the surface where a picture is shown. Nothing of its own is drawn, so what is under it shows until one comes. */
export function Picture({ tileKey, fit = "camera", mirrored = false, frozen = false, radius = 14, zoom = WHOLE }: PictureProps): ReactElement {
  const engine = useVideoEngine();
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (element.current === null) return undefined;
    return engine.place(element.current, { key: tileKey, fit, mirrored, frozen, radius, zoom: { scale: zoom.scale, x: zoom.x, y: zoom.y } });
  }, [engine, tileKey, fit, mirrored, frozen, radius, zoom.scale, zoom.x, zoom.y]);
  useEffect(() => () => engine.forget(tileKey), [engine, tileKey]);
  return <div className="picture" ref={element} data-tile={tileKey} />;
}

/** Whether a picture of this tile has come. */
export function useHasPicture(tileKey: string): boolean {
  const engine = useVideoEngine();
  return useSyncExternalStore(engine.onPictures, () => engine.hasPicture(tileKey));
}
