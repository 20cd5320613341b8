import type { ReactElement } from "react";
import { Button } from "../../design/controls";
import { Icon } from "../../design/Icon";
import { words } from "../../words";

interface PagesProps {
  page: number;
  pages: number;
  onChange: (page: number) => void;
}

/** More people than fit: pages, turned by the person. */
export function Pages({ page, pages, onChange }: PagesProps): ReactElement {
  return (
    <nav className="pages" aria-label={words.call.page(page + 1, pages)}>
      <Button kind="ghost icon sm" aria-label={words.call.previousPage} isDisabled={page === 0} onPress={() => onChange(page - 1)}>
        <Icon name="chevron-down" size={15} className="turn-left" />
      </Button>
      <span className="num xs">{page + 1} / {pages}</span>
      <Button kind="ghost icon sm" aria-label={words.call.nextPage} isDisabled={page >= pages - 1} onPress={() => onChange(page + 1)}>
        <Icon name="chevron-down" size={15} className="turn-right" />
      </Button>
    </nav>
  );
}
