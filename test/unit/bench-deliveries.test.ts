import { expect, it } from 'vitest';
import { isDelivery } from '../../bench/workloads/measure.js';
import type { GroupMessage, GroupNotice, GroupUpdate } from '../../src/sockets/events.js';

const event = (name: string, payload: object): Buffer => Buffer.from(`42${JSON.stringify([name, payload])}`);

it('counts messages as deliveries, and nothing else that comes to a group', () => {
  const place = { chat_type: 'group', chat_group_id: 1 } as const;
  const message: GroupMessage = {
    ...place,
    user_id: 2,
    seq: 3,
    timestamp: '2026-01-02T03:04:05.006Z',
    message: 'I am {here}',
  };
  const notice: GroupNotice = {
    ...place,
    message: 'Ada Lovelace left the group',
    notice: { kind: 'left', user_ids: [2], count: 1 },
  };
  const update: GroupUpdate = { chat_group_id: 1, is_in: true };
  expect(isDelivery(event('message', message))).toBe(true);
  expect(isDelivery(event('message', notice))).toBe(false);
  expect(isDelivery(event('group_update', update))).toBe(false);
});
