import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { eventually, type Person } from './client.js';
import { everythingStored } from './everything-stored.js';
import { Recount } from './recount.js';
import { Replica, type Shown } from './replica.js';
import type { World } from './world.js';

/** What must be true of a world when everything has been done. */
export class WorldCheck {
  constructor(private readonly world: World) {}

  /** What one is told of their chats is what the stored rows say, counted here anew. */
  async assertCounts(): Promise<void> {
    // Who went a moment ago is about to be taken out.
    let failure: unknown;
    await eventually(
      () =>
        this.count().then(
          () => true,
          (error: unknown) => void (failure = error),
        ),
      'the counts',
      2_000,
    ).catch(() => Promise.reject(failure as Error));
  }

  private async count(): Promise<void> {
    const query = (sql: string, values: unknown[] = []): Promise<any[]> =>
      this.world.app.database.query(sql, values as never);
    for (const person of this.world.people) {
      const isConnected = this.world.devices[this.world.people.indexOf(person)].some((device) => device !== undefined);
      const mine = await query('SELECT conversation_id AS id, last_read_seq, is_in FROM members WHERE user_id = ?', [
        person.id,
      ]);
      const recount = await Recount.of(
        query,
        mine.map(({ id }) => id as number),
      );
      const expected = new Map<
        number,
        { last_seq: number; last_read_seq: number; unread_count: number; unread_mentions: number }
      >();
      for (const { id, last_read_seq, is_in } of mine) {
        const seqs = (await query('SELECT seq FROM messages WHERE conversation_id = ? ORDER BY seq', [id])).map(
          ({ seq }) => seq as number,
        );
        assert.deepEqual(
          seqs,
          seqs.map((_, i) => i + 1),
        );
        const mark = is_in && isConnected ? seqs.length : last_read_seq;
        const unread_count = seqs.filter((seq) => seq > mark).length;
        const unread_mentions = recount.unreadMentions(id, person.id, mark);
        expected.set(id, { last_seq: seqs.length, last_read_seq: mark, unread_count, unread_mentions });
      }
      const lists = await Promise.all(
        ['chat_rooms', 'chat_groups', 'notifications'].map((list) => this.world.call(person, 'GET', `/http/${list}`)),
      );
      const [rooms, groups, notifications] = lists.map(({ body }) => body as Record<string, any>[]);
      const listed = [...rooms, ...groups.filter((row) => row['is_member'])].map((row) => row['id'] as number);
      assert.deepEqual(new Set(listed), new Set(expected.keys()));
      const withMessages = [...expected].filter(([, { last_seq }]) => last_seq > 0).map(([id]) => id);
      const notified = notifications.map((row) => (row['chat_room_id'] ?? row['chat_group_id']) as number);
      assert.deepEqual(new Set(notified), new Set(withMessages));
      for (const { body } of lists)
        for (const row of body) {
          const id = row.id ?? row.chat_room_id ?? row.chat_group_id;
          const { last_seq, last_read_seq, unread_count, unread_mentions = 0 } = row;
          const counts = expected.get(id);
          if (counts) assert.deepEqual({ last_seq, last_read_seq, unread_count, unread_mentions }, counts);
          else assert.deepEqual([row.is_member, unread_count, unread_mentions], [false, 0, 0]);
          if (counts && row.last_message) recount.assertView(id, person.id, row.last_message);
        }
      await this.countHistories(person, recount, expected.keys());
      for (const { id, member_count } of lists[1].body) {
        if (member_count === null) continue;
        const [{ count }] = await query('SELECT COUNT(*) AS count FROM members WHERE conversation_id = ?', [id]);
        assert.equal(member_count, Number(count));
      }
    }
  }

  private async countHistories(person: Person, recount: Recount, ids: Iterable<number>): Promise<void> {
    const chats = [...ids];
    for (const id of chats) {
      const list = this.world.groups.includes(id) ? 'chat_groups' : 'chat_rooms';
      const { body } = await this.world.call(person, 'GET', `/http/${list}/${id}?after=0`);
      for (const view of body) recount.assertView(id, person.id, view);
    }
    const { body: naming } = await this.world.call(person, 'GET', '/http/mentions');
    const places = (naming as Record<string, any>[]).map(
      (one) => `${one['chat_room_id'] ?? one['chat_group_id']}:${one['seq']}`,
    );
    assert.deepEqual(new Set(places), recount.naming(person.id, chats));
    assert.equal(new Set(places).size, places.length);
  }

  /** What was deleted, or said otherwise since, is in no answer and nowhere in the database. */
  async assertForgotten(): Promise<void> {
    let found: string[] = [];
    await eventually(
      async () => {
        const rows = await this.world.app.database.query('SELECT body FROM messages');
        const there = new Set(rows.map(({ body }: { body: string }) => body));
        const gone = this.world.said.filter((one) => !there.has(one));
        const everything = [
          await everythingStored(this.world.app),
          ...(await Promise.all(this.world.people.map(this.answers))),
        ];
        found = gone.filter((one) => everything.some((all) => all.includes(one)));
        return found.length === 0 || undefined;
      },
      'the end of all that was deleted',
      6_000,
    ).catch(() => assert.deepEqual(found, []));
  }

  private readonly answers = async (person: Person): Promise<string> => {
    const lists = ['chat_rooms', 'chat_groups', 'notifications', 'mentions'].map((list) =>
      this.world.call(person, 'GET', `/http/${list}`),
    );
    const bodies = (await Promise.all(lists)).map(({ body }) => body as unknown);
    return JSON.stringify([bodies, await (await Replica.fresh(person)).shown()]);
  };

  /** Each device shows, soon, what a new one is told. */
  async assertShown(): Promise<void> {
    for (const [i, person] of this.world.people.entries()) {
      for (const device of this.world.devices[i]) {
        if (!device) continue;
        let [shown, fresh]: [Shown?, Shown?] = [];
        await eventually(
          async () => {
            [shown, fresh] = [await device.shown(), await (await Replica.fresh(person)).shown()];
            const isUntold = ({ is_member, owner_id }: { is_member: boolean; owner_id: number }) =>
              !is_member && this.world.blocked[i].has(owner_id);
            const untold = new Set(fresh.groups.filter(isUntold).map(({ id }) => id));
            for (const one of [shown, fresh]) {
              one.groups = one.groups.filter(({ id }) => !untold.has(id));
              one.users = one.users.map((user) =>
                this.world.blocked[i].has(user.id) ? { ...user, first_name: '', last_name: '' } : user,
              );
            }
            return isDeepStrictEqual(shown, fresh) || undefined;
          },
          'the same picture',
          6_000,
        ).catch(() => assert.deepEqual(shown, fresh));
      }
    }
  }
}
