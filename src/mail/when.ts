const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const DATE = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long' });
const OTHER_YEAR = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });

/** `just now`, `12 minutes ago`, `today, 09:05`, `yesterday, 18:02`, `24 November, 18:02`: in the time zone of this machine. */
export function whenInWords(then: Date, now: Date): string {
  const ago = now.getTime() - then.getTime();
  if (ago < MINUTE) return 'just now';
  const minutes = Math.floor(ago / MINUTE);
  if (ago < HOUR) return minutes === 1 ? 'a minute ago' : `${minutes} minutes ago`;
  return `${dayInWords(then, now)}, ${TIME.format(then)}`;
}

function dayInWords(then: Date, now: Date): string {
  const days = Math.round((midnight(now).getTime() - midnight(then).getTime()) / DAY);
  if (days === 0) return 'today';
  if (days === 1) return 'yesterday';
  return (then.getFullYear() === now.getFullYear() ? DATE : OTHER_YEAR).format(then);
}

const midnight = (date: Date): Date => new Date(date.getFullYear(), date.getMonth(), date.getDate());
