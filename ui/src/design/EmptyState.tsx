import type { ReactElement } from "react";
import { Icon, type IconName } from "./Icon";

/** What will be here, and how it comes. */
export function EmptyState({ icon, title, text }: { icon: IconName; title: string; text: string }): ReactElement {
  return (
    <div className="empty">
      <span className="well"><Icon name={icon} size={24} /></span>
      <b className="strong md">{title}</b>
      <p className="muted">{text}</p>
    </div>
  );
}
