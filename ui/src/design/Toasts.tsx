import { useEffect, useState, type ReactElement, type ReactNode } from "react";
import type { Toast } from "../state/app_state";
import { useApp, useSession } from "../state/context";
import { words } from "../words";
import { Button } from "./controls";
import { Icon, type IconName } from "./Icon";

/** So long something is shown that asks nothing, milliseconds. */
export const SHOWN_MS = 5_000;
const ICONS: Record<Toast["tone"], IconName> = { info: "info", ok: "check", warn: "warning", danger: "warning" };

/** What happened, for 5 s or until answered. Pointer or focus stops the clock. What stands below is no news by itself. */
export function Toasts({ children }: { children?: ReactNode }): ReactElement {
  const toasts = useApp((state) => state.toasts);
  return (
    <div className="toasts">
      <div className="toast-list" aria-live="polite">
        {toasts.map((toast) => <OneToast key={toast.id} toast={toast} />)}
      </div>
      {children}
    </div>
  );
}

function OneToast({ toast }: { toast: Toast }): ReactElement {
  const session = useSession();
  const [held, setHeld] = useState(false);
  const close = (): void => session.dispatch({ type: "toast_closed", id: toast.id });
  useEffect(() => {
    if (held || toast.sticky) return undefined;
    const timer = setTimeout(() => session.dispatch({ type: "toast_closed", id: toast.id }), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [held, toast, session]);
  return (
    <div
      className={`toast ${toast.tone}`}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <Icon name={ICONS[toast.tone]} size={18} />
      <span className="grow">
        <b className="med block">{toast.message}</b>
        {toast.detail !== "" && <span className="xs muted selectable">{toast.detail}</span>}
      </span>
      {toast.action !== null && <ToastAction toast={toast} onDone={close} />}
      <Button kind="ghost icon sm" aria-label={words.toast.dismiss} onPress={close}><Icon name="close" size={15} /></Button>
    </div>
  );
}

function ToastAction({ toast, onDone }: { toast: Toast; onDone: () => void }): ReactElement | null {
  const session = useSession();
  const { action } = toast;
  if (action === null) return null;
  const act = (): void => {
    onDone();
    if (action.does === "open_link") session.openOfferedLink(action.link);
    if (action.does === "choose") void session.chooseDevices(action.devices);
    if (action.does === "restart" && action.device === "camera") void session.run("set_camera_on", { on: true });
    if (action.does === "restart" && action.device === "microphone") void session.run("set_microphone_on", { on: true });
  };
  return <Button kind="sm" onPress={act}>{action.label}</Button>;
}
