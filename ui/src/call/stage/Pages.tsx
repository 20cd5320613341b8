import type { ReactElement } from "react";
import { Button } from "../../design/controls";
import { Icon } from "../../design/Icon";
import { words } from "../../words";

interface PagesProps {
  page: number;
  pages: number;
  /** Where there is room for it: under the grid, or under or beside a strip. */
  place: "bottom" | "side" | "top";
  onChange: (page: number) => void;
}

/** More people than fit: pages, turned by the person. */
export function Pages({ page, pages, place, onChange }: PagesProps): ReactElement {
  return (
    <nav className={`pages ${place}`} aria-label={words.call.page(page + 1, pages)}>
      <Button kind="ghost icon sm" aria-label={words.call.previousPage} isDisabled={page === 0} onPress={() => onChange(page - 1)}>
        <Icon name="chevron-left" size={15} className="forward" />
      </Button>
      <span className="num xs" dir="ltr">{page + 1} / {pages}</span>
      <Button kind="ghost icon sm" aria-label={words.call.nextPage} isDisabled={page >= pages - 1} onPress={() => onChange(page + 1)}>
        <Icon name="chevron-right" size={15} className="forward" />
      </Button>
    </nav>
  );
}
