// The doors of a group when everything happens at once.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Sessions } from '../../src/identity/sessions.js';
import { DomainEvents } from '../../src/domain-events/domain-events.js';
import { GroupMembersService } from '../../src/chat-groups/membership/group-members.service.js';
import { History } from '../../src/conversations/history.js';
import { CommitUnknown, UnitOfWork } from '../../src/database/unit-of-work.js';
import type { GroupMessage, ParleyServer, ParleySocket } from '../../src/sockets/events.js';
import { Publisher } from '../../src/sockets/publisher.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { type Answer, call, type ChatSocket, eventually, next, Person, send, sendTo } from '../support/client.js';

const ROUNDS = 8;

onAllDialects('the doors of a group, all at once,', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let cyd: Person;
  let group: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob, cyd] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob'), await Person.known(app, 'Cyd')];
    group = await create();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    for (const person of [ada, bob, cyd]) person.hangUp();
  });

  const ask = (person: Person, method: string, path: string, body?: unknown): Promise<Answer> =>
    call(app, method, path, { token: person.token, body });
  const create = async (isPrivate = false): Promise<number> =>
    (await ask(ada, 'POST', '/http/chat_groups', { chat_group_name: 'Doors', is_private: isPrivate })).body.id;
  const add = (person: Person) => ask(ada, 'POST', `/http/chat_groups/${group}/members`, { user_id: person.id });
  const remove = (owner: Person, userId: number) =>
    ask(owner, 'DELETE', `/http/chat_groups/${group}/members/${userId}`);
  const enter = (person: Person) => ask(person, 'POST', `/http/chat_groups/${group}`, { is_enter: true });
  const say = (socket: ChatSocket, message: string) =>
    send(socket, { chat_type: 'group', chat_group_id: group, message });

  /** What the rows say, having made sure that they agree with each other. */
  const stored = async (): Promise<{ owner: number; members: number[] }> => {
    const [{ owner_id, member_count }] = await app.database.query(
      'SELECT owner_id, member_count FROM chat_groups WHERE conversation_id = ?',
      [group],
    );
    const rows: { user_id: number }[] = await app.database.query(
      'SELECT user_id FROM members WHERE conversation_id = ? ORDER BY user_id',
      [group],
    );
    const members = rows.map(({ user_id }) => user_id);
    expect(members).toHaveLength(member_count);
    expect(members).toContain(owner_id);
    return { owner: owner_id, members };
  };
  /** Which of these sockets are in a room, as the server sees it. */
  const isThere = (sockets: ChatSocket[], ...names: string[]): boolean[] => {
    const { server } = app.get(Publisher) as unknown as { server: ParleyServer };
    return sockets.map(({ id }) => names.some((name) => server.sockets.adapter.rooms.get(name)?.has(id!)));
  };
  const hearing = (sockets: ChatSocket[]) => isThere(sockets, `group:${group}`, `outside:${group}`);

  describe('a removal', () => {
    it.each(Array.from({ length: ROUNDS }, (_, i) => i))(
      'in the middle of everybody writing, round %i',
      async (round) => {
        await add(bob);
        await add(cyd);
        const his = await Promise.all([1, 2, 3].map(() => bob.connect()));
        const [a, c] = [await ada.connect(), await cyd.connect()];
        // In and outside of the group: messages, or notifications.
        for (const person of round % 2 ? [ada, cyd] : [ada, bob, cyd]) await enter(person);
        const heard = new Set<number>();
        for (const socket of his) {
          socket.on('message', (event) => void ('seq' in event && event.chat_type === 'group' && heard.add(event.seq)));
          socket.on('notification', ({ last_seq }) => void heard.add(last_seq));
        }

        // What the server had published, and had stored of his, in the moment in which it answered.
        const published: number[] = [];
        const publisher = app.get(Publisher);
        const tell = publisher.groupMessage.bind(publisher);
        vi.spyOn(publisher, 'groupMessage').mockImplementation((message: GroupMessage) => {
          published.push(message.seq);
          tell(message);
        });
        const count = async () =>
          (await app.database.query('SELECT COUNT(*) AS n FROM messages WHERE conversation_id = ? AND sender_id = ?', [
            group,
            bob.id,
          ])) as { n: number }[];
        const service = app.get(GroupMembersService);
        const end = service.end.bind(service);
        let atAnswer: { published: number; his: Promise<{ n: number }[]> } | undefined;
        vi.spyOn(service, 'end').mockImplementation(async (...given) => {
          await end(...given);
          atAnswer = { published: published.length, his: count() };
        });

        let isRemoved = false;
        const answers: any[] = [];
        const chatter = async (socket: ChatSocket, name: string) => {
          for (let i = 0, after = 0; after < 5; i++) {
            if (isRemoved) after++;
            answers.push(...(await Promise.all([0, 1, 2, 3].map((n) => say(socket, `${name}${i}${n}`)))));
          }
        };
        const chatting = Promise.all([...his, a, c].map((socket, i) => chatter(socket, `${i}:`)));
        await eventually(() => published.length > 10 + 17 * round || undefined, 'some messages');
        expect((await remove(ada, bob.id)).status).toBe(204);
        isRemoved = true;
        await chatting;

        // Stored without a gap, each acknowledged once.
        const acknowledged = answers.filter(({ ok }) => ok).map(({ seq }) => seq as number);
        const rows = await app.database.query('SELECT seq FROM messages WHERE conversation_id = ? ORDER BY seq', [
          group,
        ]);
        expect(rows.map(({ seq }: { seq: number }) => seq)).toEqual(acknowledged.map((_, i) => i + 1));
        expect(acknowledged.sort((x, y) => x - y)).toEqual(acknowledged.map((_, i) => i + 1));
        expect(new Set(answers.filter(({ ok }) => !ok).map(({ error }) => error.code))).toEqual(new Set(['not_found']));
        // Nothing of his was stored after the answer, and nothing published after it reached him.
        expect(await count()).toEqual(await atAnswer!.his);
        const markers = his.map((socket) => next(socket, 'message', (event: any) => event.message === 'marker'));
        await sendTo(a, bob.id, 'marker');
        await Promise.all(markers);
        const late = published.slice(atAnswer!.published);
        expect(late.length).toBeGreaterThan(10);
        expect(late.filter((seq) => heard.has(seq))).toEqual([]);
        // Notifications come once a second, so that those outside may not have had one yet.
        if (round % 2 === 0) expect(heard.size).toBeGreaterThan(0);
        expect(hearing(his)).toEqual([false, false, false]);
        expect((await stored()).members).toEqual([ada.id, cyd.id]);
      },
    );

    it('while the person enters on every device ends with them outside', async () => {
      const sockets = await Promise.all([1, 2, 3].map(() => bob.connect()));
      for (let round = 0; round < ROUNDS * 2; round++) {
        await add(bob);
        const entering = () =>
          sockets.map((socket) => send(socket, { chat_type: 'group', chat_group_id: group, is_enter: true }));
        const [removed] = await Promise.all(
          round % 2
            ? [remove(ada, bob.id), ...entering(), enter(bob)]
            : [...entering(), enter(bob), remove(ada, bob.id)].reverse(),
        );
        expect((removed as Answer).status).toBe(204);
        expect((await stored()).members).toEqual([ada.id]);
        expect(hearing(sockets)).toEqual([false, false, false]);
      }
    });

    it('while a stranger enters knows them or not, and their sockets agree with it', async () => {
      const b = await bob.connect();
      for (let round = 0; round < ROUNDS * 2; round++) {
        group = await create();
        const pair = [() => enter(bob), () => remove(ada, bob.id)];
        const both =
          round % 2
            ? pair.map((one) => one())
            : pair
                .reverse()
                .map((one) => one())
                .reverse();
        const [entered, removed] = await Promise.all(both);
        const { members } = await stored();
        expect(entered.status).toBe(200);
        expect(members.includes(bob.id)).toBe(removed.status === 404);
        expect(hearing([b])).toEqual([removed.status === 404]);
        expect([204, 404]).toContain(removed.status);
      }
    });

    it('asked for twice at once is one, and may meet a person who goes by themselves', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        await add(bob);
        const twice = await Promise.all([1, 2].map(() => remove(ada, bob.id)));
        expect(twice.map(({ status }) => status)).toEqual([204, 204]);
        expect((await stored()).members).toEqual([ada.id]);

        await add(bob);
        const [gone, removed] = await Promise.all([remove(bob, bob.id), remove(ada, bob.id)]);
        expect([gone.status, removed.status].sort()).toEqual([204, 404]);
        expect((await enter(bob)).status).toBe(removed.status === 204 ? 404 : 200);
        await add(bob);
        await remove(ada, bob.id);
      }
    });

    it('finds the sockets that connect in that moment', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        await add(bob);
        await enter(bob);
        const [removed, ...sockets] = await Promise.all([
          remove(ada, bob.id),
          ...Array.from({ length: 6 }, () => bob.connect()),
        ]);
        expect(removed.status).toBe(204);
        expect(hearing(sockets)).toEqual(sockets.map(() => false));
        bob.hangUp();
      }
    });

    it('finds a socket that has its places and is not connected yet', async () => {
      await add(bob);
      await enter(bob);
      const service = app.get(GroupMembersService);
      const me = await app.get(Sessions).authenticate(ada.token);
      let places: string[] = [];
      // Called behind the one that places the socket, still within its handshake.
      app.get(DomainEvents).on('socketBound', async ({ socket, userId }) => {
        if (userId !== bob.id || places.length > 0) return;
        places = [...(socket as ParleySocket).rooms];
        await service.end(me, group, bob.id);
      });
      const b = await bob.connect();
      expect(places).toContain(`group:${group}`);
      expect(hearing([b])).toEqual([false]);
    });

    it('is the last word, also where the answer to an older one comes late', async () => {
      const b = await bob.connect();
      await add(bob);
      const unitOfWork = app.get(UnitOfWork);
      const run = unitOfWork.run.bind(unitOfWork);
      let comes!: () => void;
      const late = new Promise<void>((resolve) => (comes = resolve));
      let isCommitted!: () => void;
      const committed = new Promise<void>((resolve) => (isCommitted = resolve));
      vi.spyOn(unitOfWork, 'run').mockImplementationOnce(async (work) => {
        const result = await run(work);
        isCommitted();
        await late;
        return result;
      });
      const entering = enter(bob);
      await committed;
      const removing = remove(ada, bob.id);
      // Long enough for a removal that does not wait: this one does.
      const meanwhile = async () => {
        for (let i = 0; i < 20; i++) await ada.get('/http/chat_groups');
      };
      await Promise.race([removing, meanwhile()]);
      comes();
      expect([(await entering).status, (await removing).status]).toEqual([200, 204]);
      expect(hearing([b])).toEqual([false]);
    });

    it('in the middle of it moves no mark of what was read', async () => {
      const a = await ada.connect();
      await add(bob);
      await say(a, 'before');
      const history = app.get(History);
      const assertMember = history.assertMember.bind(history);
      const removedThen = async (...given: Parameters<History['assertMember']>) => {
        const chat = await assertMember(...given);
        await remove(ada, bob.id);
        await say(a, 'after');
        return chat;
      };
      vi.spyOn(history, 'assertMember').mockImplementationOnce(removedThen);
      expect((await bob.put('/http/notifications', { chat_group_id: group })).status).toBe(404);
    });

    it('that nobody knows of silences the person, and is repeated safely', async () => {
      const b = await bob.connect();
      await add(bob);
      await enter(bob);
      expect(hearing([b])).toEqual([true]);
      const sessions = app.get(Sessions);
      const write = sessions.write.bind(sessions);
      vi.spyOn(sessions, 'write').mockImplementationOnce(async (...given) => {
        await write(...given);
        throw new CommitUnknown();
      });
      expect(await remove(ada, bob.id)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
      expect(hearing([b])).toEqual([false]);
      expect((await remove(ada, bob.id)).status).toBe(204);
      expect((await enter(bob)).status).toBe(404);
    });
  });

  it('sockets that connect while their person enters and leaves are where the person is', async () => {
    const here = await bob.connect();
    for (let round = 0; round < ROUNDS; round++) {
      const isEnter = round % 2 === 0;
      const [, ...sockets] = await Promise.all([
        send(here, { chat_type: 'group', chat_group_id: group, is_enter: isEnter }),
        ...Array.from({ length: 5 }, () => bob.connect()),
      ]);
      const all = [here, ...sockets];
      expect(isThere(all, `group:${group}`)).toEqual(all.map(() => isEnter));
      expect(isThere(all, `outside:${group}`)).toEqual(all.map(() => !isEnter));
      for (const socket of sockets) socket.disconnect();
    }
  });

  it('handing over and leaving leave an owner who is a member', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      group = await create();
      await add(bob);
      await add(cyd);
      const handOver = () => ada.put(`/http/chat_groups/${group}`, { owner_id: bob.id });
      const works = [handOver, () => remove(bob, bob.id)];
      await Promise.all((round % 2 ? works : [...works].reverse()).map((work) => work()));
      const { owner, members } = await stored();
      expect(members).toEqual([ada.id, cyd.id]);
      expect(owner).toBe(ada.id);

      await enter(bob);
      const others = [handOver, () => remove(ada, ada.id), () => remove(ada, cyd.id)];
      await Promise.all((round % 2 ? others : [...others].reverse()).map((work) => work()));
      expect((await stored()).members).not.toContain(ada.id);
    }
  });

  it('adding, removing, entering and leaving keep the count', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const works = [
        () => add(bob),
        () => add(bob),
        () => remove(ada, bob.id),
        () => enter(bob),
        () => remove(bob, bob.id),
        () => add(cyd),
        () => enter(cyd),
        () => remove(ada, cyd.id),
      ];
      const statuses = (await Promise.all(works.map((work) => work()))).map(({ status }) => status);
      // 409: added by the owner after they left by themselves.
      for (const status of statuses) expect([200, 204, 404, 409]).toContain(status);
      await stored();
    }
  });

  describe('a request', () => {
    beforeEach(async () => {
      group = await create(true);
    });
    const knock = () => ask(bob, 'POST', `/http/chat_groups/access_requests/${group}`);
    const answer = (access: boolean) =>
      ask(ada, 'PUT', `/http/chat_groups/access_requests/${group}`, { requester_id: bob.id, access });

    it('made many times at once is one, and told once', async () => {
      const a = await ada.connect();
      const told: unknown[] = [];
      a.on('access_request', (event) => void told.push(event));
      const answers = await Promise.all(Array.from({ length: 8 }, knock));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      expect(new Set(answers.map(({ body }) => body.created_at)).size).toBe(1);
      const marker = next(a, 'message');
      await sendTo(await bob.connect(), ada.id, 'marker');
      await marker;
      expect(told).toHaveLength(1);
    });

    it('answered twice at once has one answer', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        group = await create(true);
        await knock();
        const works = [() => answer(true), () => answer(false)];
        if (round % 2) works.reverse();
        const answers = await Promise.all(works.map((work) => work()));
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 404]);
        const { status } = answers.find((one) => one.status === 200)!.body;
        expect((await stored()).members.includes(bob.id)).toBe(status === 'granted');
        expect((await knock()).status).toBe(status === 'granted' ? 409 : 429);
      }
    });

    it('answered while the person is added, or the owner hands over, is answered once', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        group = await create(true);
        await knock();
        const [added, answered] = await Promise.all([add(bob), answer(true)]);
        expect(added.status).toBe(200);
        expect([200, 404]).toContain(answered.status);
        expect((await stored()).members).toEqual([ada.id, bob.id]);
        await remove(ada, bob.id);
        await knock();
        await add(cyd);
        const [, refused] = await Promise.all([
          ada.put(`/http/chat_groups/${group}`, { owner_id: cyd.id }),
          answer(false),
        ]);
        expect([200, 403]).toContain(refused.status);
        expect((await stored()).owner).toBe(cyd.id);
      }
    });
  });
});
