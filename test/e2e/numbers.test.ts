// MySQL computes BIGINTs where SQLite and MariaDB compute integers, and a driver may hand those over as texts.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, eventually, Person, send, sendTo } from '../support/client.js';

/** All numbers by name, and all texts that look like one by path. Names and texts of this session hold no digit. */
function walk(value: unknown, path: string, found: { numbers: Set<string>; texts: string[] }): void {
  if (typeof value === 'number') found.numbers.add(path.split('.').at(-1)!);
  else if (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)) found.texts.push(`${path} = '${value}'`);
  else if (value !== null && typeof value === 'object')
    for (const [name, part] of Object.entries(value))
      walk(part, Array.isArray(value) ? path : `${path}.${name}`, found);
}

onAllDialects('what the server says', (dialect) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());

  it('has a number wherever there is one, in every answer and event', async () => {
    const [ada, bob, eve] = [
      await Person.known(app, 'Ada'),
      await Person.known(app, 'Bob'),
      await Person.known(app, 'Eve'),
    ];
    const found = { numbers: new Set<string>(), texts: [] as string[] };
    const heard = new Set<string>();
    const listen = async (person: Person) => {
      const socket = await person.connect();
      socket.onAny((event: string, ...payload: unknown[]) => {
        heard.add(event);
        walk(payload, event, found);
      });
      return socket;
    };
    const [adas, bobs] = [await listen(ada), await listen(bob)];
    const ask = async (person: Person, method: string, path: string, body?: unknown) => {
      const answer = await call(app, method, path, { token: person.token, body });
      expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
      walk(answer.body, `${method} ${path}`, found);
      return answer.body;
    };
    const tell = (answer: unknown, path: string) => walk(answer, path, found);

    for (const text of ['one', 'two', 'three']) tell(await sendTo(adas, bob.id, text), 'ack');
    tell(await sendTo(bobs, ada.id, 'four'), 'ack');
    const [{ id: room }] = await ask(ada, 'GET', '/http/chat_rooms');
    const open = (await ask(ada, 'POST', '/http/chat_groups', { chat_group_name: 'Engines', is_private: false }))
      .id as number;
    const closed = (await ask(ada, 'POST', '/http/chat_groups', { chat_group_name: 'Secrets', is_private: true })).id;
    await ask(bob, 'GET', `/http/chat_groups/${open}`);
    for (const text of ['five', 'six'])
      tell(await send(adas, { chat_type: 'group', chat_group_id: open, message: text }), 'ack');
    await ask(ada, 'PUT', `/http/chat_rooms/${room}/messages/1`, { message: 'edited' });
    await ask(ada, 'DELETE', `/http/chat_rooms/${room}/messages/2`);
    await ask(bob, 'PUT', '/http/notifications', { chat_room_id: room });
    await ask(eve, 'POST', `/http/chat_groups/access_requests/${closed}`);
    await ask(ada, 'GET', `/http/chat_groups/access_requests/${closed}`);
    await ask(ada, 'POST', `/http/chat_groups/${closed}/members`, { user_id: bob.id });
    tell(await send(adas, { chat_type: 'bot', message: 'Hello' }), 'ack');
    adas.emit('typing', { chat_type: 'room', other_user_id: bob.id } as never);
    await eventually(async () => ((await ask(ada, 'GET', '/http/chat_bot')).length >= 2 ? true : undefined), 'the bot');

    const pages = [`/http/chat_rooms/${room}`, `/http/chat_groups/${open}`].flatMap((chat) =>
      ['', '?before=3', '?after=1', '?changes_after=0', '?until=2999-01-01T00:00:00Z'].map((query) => chat + query),
    );
    const lists = ['/http/users', '/http/users?query=b', '/http/users/profile', `/http/users/group/${open}`];
    for (const person of [ada, bob])
      for (const path of [
        ...pages,
        ...lists,
        '/http/notifications',
        '/http/chat_rooms',
        '/http/chat_groups',
        '/http/sessions',
      ])
        await ask(person, 'GET', path);
    await ask(ada, 'PUT', `/http/users/${eve.id}/block`);
    await ask(ada, 'GET', '/http/users/blocked');

    const events = ['message', 'message_update', 'read', 'notification', 'group_update', 'presence'];
    await eventually(
      () => (events.every((event) => heard.has(event)) ? true : undefined),
      `all of ${events.join()}`,
    ).catch(() => {
      expect([...heard].sort()).toEqual(expect.arrayContaining(events));
    });
    expect(found.texts).toEqual([]);
    expect([...found.numbers]).toEqual(
      expect.arrayContaining([
        'id',
        'seq',
        'last_seq',
        'unread_count',
        'last_read_seq',
        'other_last_read_seq',
        'last_change',
        'change',
        'member_count',
        'user_id',
      ]),
    );
  });
});
