import { useEffect, useRef, type ReactElement } from "react";
import { Icon } from "../../design/Icon";
import { useSession } from "../../state/context";

/** The microphone's icon, filled to the level that is really sent. Changes by transform only, past React. */
export function LiveMicrophone(): ReactElement {
  const { level } = useSession();
  const fill = useRef<HTMLElement>(null);
  useEffect(() => {
    const show = (value: number): void => {
      if (fill.current !== null) fill.current.style.transform = `scaleY(${value.toFixed(3)})`;
    };
    show(level.value);
    return level.subscribe(show);
  }, [level]);
  return (
    <span className="miclive">
      <span className="fill"><i ref={fill} /></span>
      <Icon name="mic" size={22} />
    </span>
  );
}
