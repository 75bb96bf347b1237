const kept = new Map<number, string>();
/** More than the messages of one batch have different times. */
const KEPT = 128;

/**
 * `date.toISOString()`. The time of a message is asked for when it is stored, acknowledged and published, and those of one batch share a few:
 * the last ones are remembered. Local to a process.
 */
export function isoTime(date: Date): string {
  const time = date.getTime();
  let text = kept.get(time);
  if (text === undefined) {
    if (kept.size >= KEPT) kept.clear();
    kept.set(time, (text = date.toISOString()));
  }
  return text;
}
