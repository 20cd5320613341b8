import type { CSSProperties, ReactElement } from "react";

const files = import.meta.glob<string>("./icons/*.svg", { query: "?raw", import: "default", eager: true });

/** Name of a file in `icons/`, without its ending. */
export type IconName = "arrow" | "camera" | "camera-off" | "chat" | "check" | "chevron-down" | "clock" | "close" | "copy"
  | "device" | "globe" | "hand" | "home" | "info" | "keyboard" | "leave" | "link" | "mic" | "mic-off" | "more" | "people"
  | "pin" | "plus" | "refresh" | "send" | "server" | "settings" | "share-screen" | "speaker-volume" | "stop-share"
  | "user-plus" | "warning" | "wifi-1" | "wifi-off" | "door" | "edit" | "expand"
  | "play" | "trash" | "shield" | "noise"
  | "chevron-left" | "chevron-right" | "full-screen" | "grid" | "pip" | "react" | "sidebar" | "spotlight";

const drawings = new Map<string, string>();
for (const [path, text] of Object.entries(files)) {
  const name = path.slice(path.lastIndexOf("/") + 1, -".svg".length);
  drawings.set(name, text.replace(/^[^]*?<svg[^>]*>/, "").replace(/<\/svg>[^]*$/, ""));
}

interface IconProps {
  name: IconName;
  size?: number;
  className?: string;
}

/** Drawings that point along the line of writing; from right to left they point the other way. */
const DIRECTED = new Set(["arrow", "chevron-left", "chevron-right", "leave", "reply", "send"]);

/** Icons grow with the text beside them. */
function sizeStyle(size: number): CSSProperties {
  const side = `calc(${size} * var(--icon-unit))`;
  return { width: side, height: side };
}

/** A drawing from our own icon set. Never the only bearer of a meaning: the control around it has the name. */
export function Icon({ name, size = 20, className }: IconProps): ReactElement {
  const classes = ["ic", DIRECTED.has(name) ? "directed" : "", className ?? ""];
  return (
    <svg
      className={classes.filter(Boolean).join(" ")}
      width={size}
      height={size}
      style={sizeStyle(size)}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      dangerouslySetInnerHTML={{ __html: drawings.get(name) ?? "" }}
    />
  );
}

/** The mark: an open ring that is a C and a speech bubble. */
export function Mark({ size = 20 }: { size?: number }): ReactElement {
  return (
    <svg className="ic" width={size} height={size} style={sizeStyle(size)} viewBox="0 0 24 24" aria-hidden="true">
      <path d="M16.72 6.37A7.35 7.35 0 1 0 16.72 17.63" fill="none" stroke="currentColor" strokeWidth={3.5} strokeLinecap="round" />
      <path d="M4.9 15.2 3.35 20.35a.7.7 0 0 0 .88.86L9.6 19.5Z" fill="currentColor" />
      <circle cx="19.35" cy="12" r="2.55" className="mark-dot" />
    </svg>
  );
}
