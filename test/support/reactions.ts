import { expect } from 'vitest';
import type { GroupMessageUpdate, GroupReactions } from '../../src/sockets/events.js';
import type { TestApp } from './app.js';
import type { ChatSocket } from './client.js';

/** The stored totals are what counting the reactions gives, for every message that is not deleted. */
export async function assertTotals(app: TestApp): Promise<void> {
  const ofLiving =
    'JOIN messages m ON m.conversation_id = r.conversation_id AND m.seq = r.seq AND m.deleted_at IS NULL';
  const counted = await app.database.query(
    `SELECT r.conversation_id, r.seq, r.emoji, COUNT(*) AS total FROM reactions r ${ofLiving}
     GROUP BY r.conversation_id, r.seq, r.emoji ORDER BY r.conversation_id, r.seq, r.emoji`,
  );
  const stored = await app.database.query(
    `SELECT r.conversation_id, r.seq, r.emoji, r.total FROM reaction_totals r ${ofLiving}
     ORDER BY r.conversation_id, r.seq, r.emoji`,
  );
  const plain = (rows: { total: number | string }[]) => rows.map((row) => ({ ...row, total: Number(row.total) }));
  expect(plain(stored)).toEqual(plain(counted));
}

type Told = GroupMessageUpdate | GroupReactions;

/** Everything that a socket hears of a group's first message. */
export class Watched {
  readonly told: Told[] = [];

  constructor(socket: ChatSocket) {
    const keep = (event: Told | { chat_type: string }) => {
      if (event.chat_type === 'group' && (event as Told).seq === 1) this.told.push(event as Told);
    };
    socket.on('message_update', keep);
    socket.on('message_reactions', keep);
  }

  get changes(): ReadonlySet<number> {
    return new Set(this.told.map(({ change }) => change));
  }

  get highest(): number {
    return Math.max(0, ...this.changes);
  }
}

/**
 * Heard in any order, the events lead to this state of the message, and to these reactions of each person, `<user id> <emoji>`.
 */
export function assertEndsAs(
  { told }: Watched,
  now: { change?: number; message: string; reactions?: { emoji: string; count: number }[] },
  given: string[],
): void {
  const shuffled = told.map((event) => ({ event, at: Math.random() })).sort((a, b) => a.at - b.at);
  let state: Told | undefined;
  const people = new Map<string, { change: number; isOn: boolean }>();
  for (const { event } of shuffled) {
    if (event.change > (state?.change ?? 0)) state = event;
    for (const { user_id, emoji, is_on } of 'changed' in event ? event.changed : []) {
      const key = `${user_id} ${emoji}`;
      if (event.change > (people.get(key)?.change ?? 0)) people.set(key, { change: event.change, isOn: is_on });
    }
  }
  const plain = (reactions: { emoji: string; count: number }[] = []) =>
    reactions.map(({ emoji, count }) => ({ emoji, count }));
  expect([state?.change, state?.message, plain(state?.reactions)]).toEqual([
    now.change,
    now.message,
    plain(now.reactions),
  ]);
  const on = [...people].flatMap(([key, { isOn }]) => (isOn ? key : []));
  expect(on.sort()).toEqual([...given].sort());
}
