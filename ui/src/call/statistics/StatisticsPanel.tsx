import { useEffect, useRef, useState, type ReactElement } from "react";
import type { CallStats } from "../../bridge/call.generated";
import { Button } from "../../design/controls";
import { usePanelFocus } from "../../design/focus";
import { Icon } from "../../design/Icon";
import { useCall, useSession } from "../../state/context";
import { words } from "../../words";
import { figuresOf, reportOf, type FigureTable } from "./figures";
import "./statistics.css";

/** The newest figures. They are measured only while somebody looks. */
function useStats(): CallStats | null {
  const session = useSession();
  const [stats, setStats] = useState<CallStats | null>(null);
  useEffect(() => {
    const stop = session.bridge.subscribe((event) => {
      if (event.type === "stats") setStats(event.stats);
    });
    void session.run("stats_watch", { on: true });
    return () => {
      stop();
      // The call may be over by now, and the figures with it: nobody has to hear of that.
      void session.bridge.call("stats_watch", { on: false }).catch(() => undefined);
    };
  }, [session]);
  return stats;
}

/** Measured values over the stage: plain tables, and a report to copy. */
export function StatisticsPanel({ onClose }: { onClose: () => void }): ReactElement {
  const session = useSession();
  const { participants } = useCall();
  const stats = useStats();
  const panel = useRef<HTMLElement>(null);
  const onKeyDown = usePanelFocus(panel, "statistics", onClose);
  const figures = stats === null ? null : figuresOf(stats, participants);
  const copy = async (): Promise<void> => {
    if (stats === null) return;
    const copied = await session.bridge.copyText(reportOf(stats)).then(() => true, () => false);
    session.dispatch({ type: "toast_shown", toast: copied ? { tone: "ok", message: words.statistics.copied } : { tone: "warn", message: words.statistics.notCopied } });
  };
  return (
    <section className="statistics" aria-label={words.statistics.heading} data-region="statistics" ref={panel} onKeyDown={onKeyDown}>
      <header className="row">
        <h2 className="grow" tabIndex={-1}>{words.statistics.heading}</h2>
        <Button kind="sm" isDisabled={stats === null} onPress={() => void copy()}><Icon name="copy" size={15} />{words.statistics.copy}</Button>
        <Button kind="ghost icon sm" aria-label={words.statistics.close} onPress={onClose}><Icon name="close" size={16} /></Button>
      </header>
      {figures === null ? <p className="muted row"><span className="spinner" />{words.statistics.waiting}</p> : (
        <div className="figures" data-scrolls tabIndex={0} role="group" aria-label={words.statistics.heading}>
          <dl className="num" aria-label={words.statistics.connection}>
            {figures.connection.map(({ name, value }) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
          </dl>
          <Table table={figures.sending} />
          <Table table={figures.receiving} />
        </div>
      )}
    </section>
  );
}

function Table({ table }: { table: FigureTable }): ReactElement {
  return (
    <table className="num">
      <caption>{table.heading}</caption>
      <thead><tr>{table.columns.map((column) => <th key={column} scope="col">{column}</th>)}</tr></thead>
      <tbody>
        {table.lines.length === 0 && <tr><td colSpan={table.columns.length}>{words.statistics.nothing}</td></tr>}
        {table.lines.map(([what = "", ...values], index) => (
          <tr key={`${index}-${what}`}>
            <th scope="row" className="trunc">{what}</th>
            {values.map((value, column) => <td key={table.columns[column + 1]}>{value}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
