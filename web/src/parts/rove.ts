/**
 * For a list that is one Tab stop: ↑ ↓ Home End PgUp PgDn move the focus among what `selector` finds. Which of them has `tabIndex` 0 is
 * the list's own business.
 */
export function rove(list: { readonly current: HTMLElement | null }, selector: string): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const stops = [...(list.current?.querySelectorAll<HTMLElement>(selector) ?? [])];
    const at = stops.indexOf(document.activeElement as HTMLElement);
    const next = nextOf(event.key, at, stops.length);
    if (next === undefined) return;
    event.preventDefault();
    stops[next]?.focus();
  };
}

const PAGE = 10;

function nextOf(key: string, at: number, count: number): number | undefined {
  const within = (index: number): number => Math.max(0, Math.min(count - 1, index));
  switch (key) {
    case 'ArrowDown':
      return within(at + 1);
    case 'ArrowUp':
      return within(at - 1);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    case 'PageDown':
      return within(at + PAGE);
    case 'PageUp':
      return within(at - PAGE);
    default:
      return undefined;
  }
}
