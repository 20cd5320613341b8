import { useId, type ReactElement, type ReactNode } from "react";
import "./kit.css";

/** A heading and the card with what belongs to it. */
export function SectionCard({ title, children }: { title: string; children: ReactNode }): ReactElement {
  const id = useId();
  return (
    <section className="section-card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <div className="card">{children}</div>
    </section>
  );
}
