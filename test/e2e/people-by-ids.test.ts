// People by their ids: whose names stand over messages, also where they are gone.
import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { LIST_COST } from '../../src/common/http/read-cost.js';
import { RateLimits } from '../../src/common/limits/rate-limits.js';
import { nameColumns, User } from '../../src/identity/user.entity.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, Person, sendTo } from '../support/client.js';

onAllDialects('people by their ids', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
  });
  afterEach(() => [ada, bob].forEach((person) => person.hangUp()));

  const named = async (ids: number[]) => (await bob.get(`/http/users?ids=${ids.join()}`)).body;

  it('come as the list shows them, in the order of their ids, each once, oneself too; who does not exist is left out', async () => {
    await ada.connect();
    await app.database.query('UPDATE users SET last_seen = ? WHERE id = ?', ['2026-01-01 00:00:00.000', ada.id]);
    const rows = [
      {
        id: ada.id,
        first_name: 'Ada',
        last_name: 'Lovelace',
        is_online: true,
        last_seen: '2026-01-01T00:00:00.000Z',
      },
      { id: bob.id, first_name: 'Bob', last_name: 'Lovelace', is_online: false, last_seen: null },
    ];
    expect(await named([bob.id, 1_999_999_999, ada.id, bob.id, 2 ** 31 - 1])).toEqual(rows);
    const list: { id: number }[] = (await bob.get('/http/users')).body;
    expect(list.filter(({ id }) => id === ada.id || id === bob.id)).toEqual(rows);
    expect(await named([1_999_999_999])).toEqual([]);
    const answer = await bob.get(`/http/users?ids=${ada.id}`);
    expect([answer.status, answer.headers.get('link')]).toEqual([200, null]);
  });

  it('who have erased their account are there under the name that is left, and are nowhere to be seen', async () => {
    const eve = await Person.join(app, 'Eve');
    const socket = await eve.connect();
    await sendTo(socket, bob.id, 'What I said');
    // It may come back for five seconds.
    socket.disconnect();
    const body = { password: eve.password };
    expect((await call(app, 'DELETE', '/http/users/profile', { token: eve.token, body })).status).toBe(204);
    const [{ id: room }] = (await bob.get('/http/chat_rooms')).body;
    const [{ user_id: author }] = (await bob.get(`/http/chat_rooms/${room}`)).body;
    expect(await named([author])).toEqual([
      { id: eve.id, first_name: 'deleted', last_name: 'user', is_online: false, last_seen: null },
    ]);
    expect((await bob.get('/http/users')).body.map(({ id }: { id: number }) => id)).not.toContain(eve.id);
  });

  it('are at most a hundred', async () => {
    const people = Array.from({ length: 101 }, (_, i) => ({
      email: `${ada.id}-${i}@example.com`,
      passwordHash: 'x',
      ...nameColumns(`N${i}`, 'N'),
      createdAt: new Date(),
      lastSeen: null,
      erasedAt: null,
    }));
    const ids = (await app.database.manager.insert(User, people)).identifiers.map(({ id }) => id as number);
    const shown: { id: number }[] = await named(ids.slice(1).reverse());
    expect(shown.map(({ id }) => id)).toEqual(ids.slice(1));
    const refused = await bob.get(`/http/users?ids=${ids.join()}`);
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid', fields: { ids: [expect.any(String)] } } });
  });

  it.each([
    'ids=',
    'ids=,',
    'ids=1,',
    'ids=1,,2',
    'ids=1, 2',
    'ids=0',
    'ids=-1',
    'ids=01',
    'ids=1.5',
    'ids=1e3',
    'ids=x',
    'ids=2147483648',
    'ids=99999999999999999999',
    'ids=1&ids=2',
    'ids[]=1',
  ])('are refused where there is no list of ids: %s', async (query) => {
    expect(await bob.get(`/http/users?${query}`)).toMatchObject({ status: 400, body: { code: 'invalid' } });
  });

  it('are not searched, and have no next page', async () => {
    for (const [other, value] of [
      ['query', 'ada'],
      ['query', ''],
      ['cursor', 'WzFd'],
    ])
      expect(await bob.get(`/http/users?ids=${ada.id}&${other}=${value}`)).toMatchObject({
        status: 400,
        body: { code: 'invalid', fields: { ids: ['excludes the others'], [other]: ['excludes the others'] } },
      });
  });

  it('are asked for in a JSON body, too', async () => {
    const ask = (data: object): Promise<any> =>
      new Promise((resolve, reject) => {
        const body = JSON.stringify(data);
        const headers = {
          authentication: bob.token,
          'content-type': 'application/json',
          'content-length': body.length,
        };
        const sent = request(`${app.url}/http/users`, { headers }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
          response.on('end', () => resolve(JSON.parse(text)));
        });
        sent.on('error', reject).end(body);
      });
    expect(await ask({ ids: `${ada.id},${bob.id}` })).toHaveLength(2);
    expect((await ask({ ids: null, query: null })).map(({ id }: { id: number }) => id)).toContain(ada.id);
    for (const ids of [[ada.id], ada.id, {}, true]) expect(await ask({ ids })).toMatchObject({ code: 'invalid' });
  });
});

describe('people by their ids', () => {
  it('count as one read, and all people as a list', async () => {
    const app = await TestApp.start('sqlite', { RATE_LIMITS: 'on' });
    const ada = await Person.known(app);
    const counted = vi.spyOn(app.get(RateLimits), 'read');
    for (const query of [`?ids=${ada.id},1,2,3`, '', '?query=a']) await ada.get(`/http/users${query}`);
    expect(counted.mock.calls).toEqual([
      [ada.id, 1],
      [ada.id, LIST_COST],
      [ada.id, LIST_COST],
    ]);
    await app.stop();
  });
});
