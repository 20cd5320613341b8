import type { ReactElement } from "react";
import type { Reaction } from "../bridge/protocol.generated";

const files = import.meta.glob<string>("./reactions/*.svg", { query: "?raw", import: "default", eager: true });

const drawings = new Map<string, string>();
for (const [path, text] of Object.entries(files)) {
  const name = path.slice(path.lastIndexOf("/") + 1, -".svg".length);
  drawings.set(name, text.replace(/^[^]*?<svg[^>]*>/, "").replace(/<\/svg>[^]*$/, ""));
}

/** In the order they are offered. */
export const REACTIONS: readonly Reaction[] = ["thumbs_up", "clap", "heart", "laugh", "surprise", "celebrate", "thumbs_down"];

/** A reaction as we draw it ourselves: a bare Linux has no letters for it. Never the only bearer of its meaning. */
export function ReactionMark({ reaction, size = 24 }: { reaction: Reaction; size?: number }): ReactElement {
  return (
    <svg
      className="ic"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      strokeWidth={1.3}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      data-reaction={reaction}
      dangerouslySetInnerHTML={{ __html: drawings.get(reaction) ?? "" }}
    />
  );
}
