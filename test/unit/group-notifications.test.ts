// A notification that waits tells of messages as they are when it is sent.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { GroupNotifications } from '../../src/chat-groups/attendance/group-notifications.js';
import { Homes } from '../../src/cluster/homes.js';
import { LoneNode } from '../../src/cluster/node-bus.js';
import type { GroupNotification, MessageChanged } from '../../src/sockets/events.js';
import type { Publisher } from '../../src/sockets/publisher.js';

const [ADA, BOB, EVE] = [1, 2, 3];
const timestamp = '2026-11-28T08:00:00.000Z';
let sent: GroupNotification[];
let notifications: GroupNotifications;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  const publisher = { groupNotification: (packet: GroupNotification) => sent.push(packet) };
  notifications = new GroupNotifications(publisher as unknown as Publisher, new Homes(new LoneNode()));
});
afterEach(() => vi.useRealTimers());

const write = (last_seq: number, more: Partial<GroupNotification> = {}): void =>
  notifications.stored({
    chat_type: 'group',
    chat_group_id: 5,
    last_seq,
    user_id: ADA,
    message: `message ${last_seq}`,
    timestamp,
    ...more,
  });
const change = (seq: number, more: Partial<MessageChanged>): void =>
  notifications.changed(5, { user_id: ADA, seq, change: 1, message: 'changed', timestamp, ...more });
const waited = (): GroupNotification | undefined => {
  expect(sent).toHaveLength(1);
  vi.advanceTimersByTime(1_000);
  return sent[1];
};
const last = { chat_type: 'group', chat_group_id: 5, user_id: ADA, timestamp };

it('gathers whom messages name, and forgets those of a message that was deleted', () => {
  write(1);
  write(2, { mentions: [EVE], everyone: true });
  write(3, { mentions: [BOB] });
  write(4);
  change(2, { message: '', deleted: true });
  expect(waited()).toEqual({ ...last, last_seq: 4, message: 'message 4', mentions: [BOB] });
});

it('forgets those whom an edit names no longer, but not whose message is answered', () => {
  write(1);
  write(2, { mentions: [BOB, EVE], everyone: true });
  write(3, { mentions: [ADA, BOB], reply_to: { seq: 1, user_id: ADA, message: 'message 1' } });
  change(2, { mentions: { user_ids: [EVE] } });
  change(3, { reply_to: { seq: 1, user_id: ADA, message: 'message 1' } });
  expect(waited()).toEqual({
    ...last,
    last_seq: 3,
    message: 'changed',
    mentions: [EVE, ADA],
    reply_to: { seq: 1, user_id: ADA, message: 'message 1' },
  });
});

it('goes on to name everyone, and nobody anew', () => {
  write(1);
  write(2, { everyone: true });
  write(3);
  change(2, { mentions: { user_ids: [BOB], everyone: true } });
  expect(waited()).toEqual({ ...last, last_seq: 3, message: 'message 3', everyone: true });
});
