// What has happened is told after its commit, in order, and never where it did not happen.
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DomainEvents } from '../../src/domain-events/domain-events.js';
import { afterCommit, CommitUnknown, UnitOfWork } from '../../src/database/unit-of-work.js';
import type { DomainEventMap, DomainEventName } from '../../src/domain-events/events.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { type Answer, call, eventually, next, Person, sendTo } from '../support/client.js';

onAllDialects('domain events', (dialect) => {
  let app: TestApp;
  let [events, unitOfWork]: [DomainEvents?, UnitOfWork?] = [];
  let told: number[];

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    [events, unitOfWork] = [app.get(DomainEvents), app.get(UnitOfWork)];
    events.on('groupChanged', ({ groupId }) => void told.push(groupId));
  });
  afterAll(() => app.stop());
  beforeEach(() => (told = []));

  it('are told once the transaction is committed, in the order of recording, before it resolves', async () => {
    let during: number[] = [];
    await unitOfWork!.run(async (tx) => {
      for (const groupId of [3, 1, 2]) events!.record(tx, 'groupChanged', { groupId });
      await tx.query('SELECT 1');
      during = [...told];
    });
    expect(during).toEqual([]);
    expect(told).toEqual([3, 1, 2]);
  });

  it('are never told of what is undone', async () => {
    const failed = unitOfWork!.run(async (tx) => {
      events!.record(tx, 'groupChanged', { groupId: 1 });
      await tx.query('SELECT nothing FROM nowhere');
    });
    await expect(failed).rejects.toThrow();
    await unitOfWork!.run((tx) => Promise.resolve(events!.record(tx, 'groupChanged', { groupId: 2 })));
    expect(told).toEqual([2]);
  });

  it('are told of the last try alone, where a transaction runs again', async () => {
    const deadlock = Object.assign(new Error('deadlock'), { code: 'ER_LOCK_DEADLOCK' });
    let tries = 0;
    const work = unitOfWork!.run((tx) => {
      events!.record(tx, 'groupChanged', { groupId: ++tries });
      return tries === 1 && dialect !== 'sqlite' ? Promise.reject(deadlock) : Promise.resolve();
    });
    await work;
    expect(told).toEqual([tries]);
  });

  it('are told where it turns out late that a COMMIT happened, once, and not where it did not', async () => {
    const unknown = (groupId: number) => new CommitUnknown([() => events!.publish('groupChanged', { groupId })]);
    const [done, undone] = [unknown(1), unknown(2)];
    const answers: Promise<boolean>[] = [Promise.reject(new Error('still away')), Promise.resolve(true)];
    answers[0].catch(() => undefined);
    const isDone = vi.fn<() => Promise<boolean>>(() => answers.shift()!);
    expect(await unitOfWork!.settle(done, isDone, () => true)).toBe(true);
    expect(isDone).toHaveBeenCalledTimes(2);
    expect(
      await unitOfWork!.settle(
        done,
        () => Promise.resolve(true),
        () => true,
      ),
    ).toBe(true);
    expect(
      await unitOfWork!.settle(
        undone,
        () => Promise.resolve(false),
        () => true,
      ),
    ).toBe(false);
    expect(
      await unitOfWork!.settle(
        undone,
        () => Promise.resolve(true),
        () => false,
      ),
    ).toBeUndefined();
    expect(told).toEqual([1]);
  });

  it('reach every listener, also behind one that throws, and one that fails later', async () => {
    const logged = vi.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    events!.on('ownerChanged', () => {
      throw new Error('at once');
    });
    events!.on('ownerChanged', () => Promise.reject(new Error('later')));
    const last = vi.fn<(change: object) => void>();
    events!.on('ownerChanged', last);
    const change = { groupId: 1, ownerId: 2, members: [{ userId: 3, isIn: true }] };
    await unitOfWork!.run((tx) => Promise.resolve(events!.record(tx, 'ownerChanged', change)));
    expect(last.mock.calls).toEqual([[change]]);
    await vi.waitFor(() =>
      expect(
        logged.mock.calls
          .flat()
          .join('\n')
          .match(/ownerChanged/g),
      ).toHaveLength(2),
    );
    logged.mockRestore();
  });

  it('what is left for after a commit is done on disk: a second reader sees it', async () => {
    const id = 900_000;
    let seen: unknown;
    await unitOfWork!.run(async (tx) => {
      await tx.query(
        "INSERT INTO conversations (id, kind, last_seq, created_at) VALUES (?, 'bot', 0, '2026-01-01 00:00:00.000')",
        [id],
      );
      afterCommit(tx, () => {
        seen = unitOfWork!.read.query('SELECT id FROM conversations WHERE id = ?', [id]);
      });
    });
    expect(await seen).toMatchObject([{ id }]);
  });

  describe('tell what happens in groups,', () => {
    let [ada, bob]: Person[] = [];
    let group: number;
    /** What was published, in its order. */
    let published: [DomainEventName, DomainEventMap[DomainEventName]][];

    beforeAll(() => {
      const names = [
        'memberJoined',
        'memberLeft',
        'membershipsErased',
        'groupsInherited',
        'accessRequestChanged',
        'readMarkMoved',
        'membersWentOffline',
      ] as const;
      for (const name of names) events!.on(name, (event) => void published.push([name, event]));
    });
    beforeEach(async () => {
      [ada, bob] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob')];
      group = await create(false);
      published = [];
    });
    afterEach(() => {
      for (const person of [ada, bob]) person.hangUp();
    });

    const ask = (person: Person, method: string, path: string, body?: unknown): Promise<Answer> =>
      call(app, method, path, { token: person.token, body });
    const create = async (isPrivate: boolean): Promise<number> =>
      (await ask(ada, 'POST', '/http/chat_groups', { chat_group_name: 'Events', is_private: isPrivate })).body.id;
    const enter = (person: Person) => ask(person, 'POST', `/http/chat_groups/${group}`, { is_enter: true });
    const names = () => published.map(([name]) => name);

    it('of a request for access: made once, refused or granted, and granted behind the membership', async () => {
      group = await create(true);
      const [userId, ownerId] = [bob.id, ada.id];
      const requests = `/http/chat_groups/access_requests/${group}`;
      const changed = (status: string) => ['accessRequestChanged', { groupId: group, userId, ownerId, status }];
      const joined = ['memberJoined', { groupId: group, userId, lastSeq: 0, isIn: false }];
      published = [];
      for (let i = 0; i < 2; i++) expect((await ask(bob, 'POST', requests)).status).toBe(201);
      expect(published).toEqual([changed('pending')]);
      const answer = (access: boolean) => ask(ada, 'PUT', requests, { requester_id: userId, access });
      expect((await answer(true)).status).toBe(200);
      expect(published.slice(1)).toEqual([joined, changed('granted')]);

      await ask(ada, 'DELETE', `/http/chat_groups/${group}/members/${userId}`);
      await ask(bob, 'POST', requests);
      published = [];
      expect((await answer(false)).status).toBe(200);
      expect((await answer(false)).status).toBe(404);
      expect(published).toEqual([changed('refused')]);
      // Refused, nobody has asked: being added grants nothing.
      expect((await ask(ada, 'POST', `/http/chat_groups/${group}/members`, { user_id: userId })).status).toBe(200);
      expect(published.slice(1)).toEqual([joined]);
    });

    it('of one who had asked and is added', async () => {
      group = await create(true);
      await ask(bob, 'POST', `/http/chat_groups/access_requests/${group}`);
      published = [];
      await ask(ada, 'POST', `/http/chat_groups/${group}/members`, { user_id: bob.id });
      expect(names()).toEqual(['memberJoined', 'accessRequestChanged']);
      expect(published[1][1]).toMatchObject({ status: 'granted' });
    });

    it('of an owner who goes: first the end of the membership, then the new owner', async () => {
      const heirs = new Map([[group, bob.id]]);
      await enter(bob);
      published = [];
      await ask(ada, 'DELETE', `/http/chat_groups/${group}/members/${ada.id}`);
      expect(published).toEqual([
        ['memberLeft', { groupId: group, userId: ada.id, wasIn: false }],
        ['groupsInherited', { heirs }],
      ]);
    });

    it('of an owner who erases their account, in the same order', async () => {
      const heirs = new Map([[group, bob.id]]);
      await enter(bob);
      published = [];
      expect((await ask(ada, 'DELETE', '/http/users/profile', { password: 'nobody knows' })).status).toBe(204);
      expect(published).toEqual([
        ['membershipsErased', { userId: ada.id, groups: [{ groupId: group, wasIn: false }] }],
        ['groupsInherited', { heirs }],
      ]);
    });

    it('of members who go offline, with how far they have read, and who saw them there', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      for (const person of [ada, bob]) await enter(person);
      const message = next(b, 'message', ({ seq }: { seq?: number }) => seq === 1);
      await a.timeout(15_000).emitWithAck('message', { chat_type: 'group', chat_group_id: group, message: 'one' });
      await message;
      published = [];
      await ask(bob, 'POST', '/http/logout');
      await eventually(() => published.length > 0 || undefined, 'the event');
      expect(published).toEqual([
        [
          'membersWentOffline',
          {
            members: [{ groupId: group, userId: bob.id, lastReadSeq: 1 }],
            viewers: new Map([[group, expect.arrayContaining([ada.id])]]),
          },
        ],
      ]);
    });

    it('of a read mark that is moved, and not of one that stays', async () => {
      const b = await bob.connect();
      const { chat_room_id: room } = await sendTo(b, ada.id, 'one');
      await sendTo(b, ada.id, 'two');
      for (const seq of [1, 1, 2]) await ask(ada, 'PUT', '/http/notifications', { chat_room_id: room, seq });
      const moved = { conversationId: room, userId: ada.id, lastSeq: 2 };
      expect(published).toMatchObject([
        ['readMarkMoved', { ...moved, lastReadSeq: 1 }],
        ['readMarkMoved', { ...moved, lastReadSeq: 2 }],
      ]);
    });
  });
});
