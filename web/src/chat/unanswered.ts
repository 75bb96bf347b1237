import { type ReadonlySignal, signal } from '@preact/signals';
import { ofTab } from '../parts/kept.js';
import { me } from '../parley.js';

/*
 * The questions that the bot did not answer, by `client_id`: kept for this tab, since the server tells of a failure once. A question asked
 * again is none of them any more.
 */

const MOST_KEPT = 50;

const keyOf = (): string => `unanswered:${me.peek()?.id}`;
const kept = (): string[] => JSON.parse(ofTab.read(keyOf()) ?? '[]') as string[];

const all = signal<ReadonlySet<string>>(new Set());
export const unanswered: ReadonlySignal<ReadonlySet<string>> = all;

function keep(names: readonly string[]): void {
  ofTab.write(keyOf(), JSON.stringify(names));
  all.value = new Set(names);
}

export const recallUnanswered = (): void => void (all.value = new Set(kept()));
export const addUnanswered = (name: string): void => keep([...kept(), name].slice(-MOST_KEPT));
export const dropUnanswered = (name: string): void => keep(kept().filter((one) => one !== name));
