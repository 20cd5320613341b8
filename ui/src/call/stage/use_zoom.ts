/** Zooming a shared screen by wheel, hand and keys. */
import { useEffect, useState, type KeyboardEvent, type PointerEvent, type RefObject } from "react";
import { fitPicture } from "../video/fit";
import { movedBy, settled, WHOLE, zoomAt, type Zoom } from "../video/zoom";

/** One press of a key or a button. */
const STEP = 1.25;
/** Part of the tile an arrow moves by. */
const MOVE = 0.1;

export interface ZoomControls {
  zoom: Zoom;
  closer: () => void;
  farther: () => void;
  fit: () => void;
  onKeyDown: (event: KeyboardEvent) => void;
  onPointerDown: (event: PointerEvent<HTMLElement>) => void;
}

/** `picture` is the shared screen's size, 0 x 0 while it is not known. */
export function useZoom(element: RefObject<HTMLElement | null>, width: number, height: number, picture: { width: number; height: number }): ZoomControls {
  const [wanted, setZoom] = useState<Zoom>(WHOLE);
  const tile = { width, height };
  const fitted = fitPicture("whole", width, height, picture.width || 16, picture.height || 9);
  // The window may have changed its size since.
  const zoom = settled(wanted, tile, fitted);
  const by = (factor: number, at = { x: 0, y: 0 }): void => setZoom((known) => zoomAt(known, factor, at, tile, fitted));
  const move = (x: number, y: number): void => setZoom((known) => movedBy(known, { x, y }, tile, fitted));

  useEffect(() => {
    const node = element.current;
    if (node === null) return undefined;
    // React hears the wheel passively, so that it could not be kept from zooming the page.
    const wheel = (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const bounds = node.getBoundingClientRect();
      by(Math.exp(-event.deltaY * 0.0025), { x: event.clientX - bounds.left - bounds.width / 2, y: event.clientY - bounds.top - bounds.height / 2 });
    };
    node.addEventListener("wheel", wheel, { passive: false });
    return () => node.removeEventListener("wheel", wheel);
  });

  const onPointerDown = (event: PointerEvent<HTMLElement>): void => {
    if (event.button !== 0 || zoom.scale === 1) return;
    const node = event.currentTarget;
    let last = { x: event.clientX, y: event.clientY };
    const moved = (next: globalThis.PointerEvent): void => {
      move(next.clientX - last.x, next.clientY - last.y);
      last = { x: next.clientX, y: next.clientY };
    };
    const up = (): void => {
      node.removeEventListener("pointermove", moved);
      node.removeEventListener("pointerup", up);
      node.removeEventListener("pointercancel", up);
    };
    node.setPointerCapture?.(event.pointerId);
    node.addEventListener("pointermove", moved);
    node.addEventListener("pointerup", up);
    node.addEventListener("pointercancel", up);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const acts: Record<string, () => void> = { "+": () => by(STEP), "=": () => by(STEP), "-": () => by(1 / STEP), "0": () => setZoom(WHOLE) };
    if (zoom.scale > 1) {
      acts["ArrowLeft"] = () => move(width * MOVE, 0);
      acts["ArrowRight"] = () => move(-width * MOVE, 0);
      acts["ArrowUp"] = () => move(0, height * MOVE);
      acts["ArrowDown"] = () => move(0, -height * MOVE);
    }
    const act = acts[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };
  return { zoom, closer: () => by(STEP), farther: () => by(1 / STEP), fit: () => setZoom(WHOLE), onKeyDown, onPointerDown };
}
