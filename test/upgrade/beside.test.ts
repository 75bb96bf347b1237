// An older program and this one on the same rows, as while nodes are replaced one by one: `npm run test:upgrade -- --from REVISION`,
// which builds the older one and says where it is.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppUser } from '../chaos/app-user.js';
import { answersSlowly } from '../chaos/chat-with-bot.js';
import { check } from '../chaos/check.js';
import { environmentOf } from '../chaos/environment.js';
import { Actor, type Known } from '../chaos/people.js';
import { type Place, Record } from '../chaos/record.js';
import { call, linkPath, next, open, send } from '../support/client.js';
import { CompletionsServer } from '../support/completions-server.js';
import { canStart, DatabaseServer, freePort, SERVER_KINDS, TITLES } from '../support/database-server.js';
import { MailServer } from '../support/mail-server.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';
import { ServerProcess } from '../support/server-process.js';

const OLDER = process.env['UPGRADE_ROOT'] ?? '';
const REVISION = process.env['UPGRADE_REVISION'] ?? 'an older one, which only npm run test:upgrade builds';
const SEED = Number(process.env['UPGRADE_SEED'] ?? 1);
/** In each of the two ways in which the nodes are served. */
const TALK_FOR_MS = 15_000;
const ACTORS = 4;
const PEOPLE = ACTORS + 2;
const PASSWORD = 'correct horse battery';

const isBuilt = OLDER !== '' && existsSync(join(OLDER, 'dist/main.js'));

describe.skipIf(!isBuilt || !hasRedis)(`this program beside ${REVISION}`, () => {
  for (const kind of SERVER_KINDS)
    describe.skipIf(!canStart(kind))(`on ${TITLES[kind]}`, () => {
      const cleanUps: (() => unknown)[] = [];
      let env: globalThis.Record<string, string>;
      let mails: MailServer;

      beforeEach(async () => {
        const database = await DatabaseServer.start(kind);
        cleanUps.push(() => database.stop());
        await database.query('CREATE DATABASE upgrade');
        const redis = await RedisServer.start();
        cleanUps.push(() => redis.stop());
        mails = await new MailServer(await freePort()).start();
        cleanUps.push(() => mails.stop());
        const model = await CompletionsServer.start();
        cleanUps.push(() => model.close());
        model.behave(answersSlowly);
        const databaseUrl = `${database.url}/upgrade`;
        env = environmentOf({ databaseUrl, redisUrl: redis.url, mailPort: mails.port, botUrl: model.url });
      }, 120_000);
      afterEach(async () => {
        for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
      });

      const start = async (root?: string): Promise<ServerProcess> => {
        const node = await ServerProcess.start(env, root);
        cleanUps.push(() => node.kill());
        return node;
      };

      /** As everybody does: by a mail with a link. */
      async function register(node: ServerProcess, i: number): Promise<Known> {
        const [email, name] = [`upgrade${i}@example.com`, { first_name: `P${i}`, last_name: 'Lovelace' }];
        await call(node, 'POST', '/http/register', { body: { email, password: PASSWORD, ...name } });
        const links = [/http:\S+/.exec((await mails.mailTo(email)).email.text!)![0]];
        await call(node, 'GET', linkPath({ links } as never));
        const { token } = (await call(node, 'POST', '/http/login', { body: { email, password: PASSWORD } })).body;
        const { id } = (await call(node, 'GET', '/http/users/profile', { token })).body;
        return { id, email, password: PASSWORD, token };
      }

      /** What one writes on either node, the other one gets live on the other: checks of rows alone would not miss it. */
      async function hearEachOther(
        nodes: readonly ServerProcess[],
        two: readonly Known[],
        group: number,
      ): Promise<void> {
        const sockets = await Promise.all(
          nodes.map(async (node, i) => {
            const socket = open(node, { auth: { token: two[i].token } });
            cleanUps.push(() => socket.disconnect());
            await next(socket, 'connect');
            expect(await send(socket, { chat_type: 'group', chat_group_id: group, is_enter: true })).toMatchObject({
              ok: true,
            });
            return socket;
          }),
        );
        for (const [i, socket] of sockets.entries())
          for (const target of [
            { chat_type: 'room', other_user_id: two[1 - i].id },
            { chat_type: 'group', chat_group_id: group },
          ]) {
            const message = `live from node ${i}, ${target.chat_type}`;
            const heard = next(sockets[1 - i], 'message', (got: { message?: string }) => got.message === message);
            expect(await send(socket, { ...target, message })).toMatchObject({ ok: true });
            await heard;
          }
        for (const socket of sockets) socket.disconnect();
      }

      it('is what people do not have to know of', { timeout: 300_000 }, async () => {
        const older = await start(OLDER);
        const known: Known[] = [];
        for (let i = 0; i < PEOPLE; i++) known.push(await register(older, i));
        const groups: number[] = [];
        for (const [i, is_private] of [true, false].entries()) {
          const given = { token: known[0].token, body: { chat_group_name: `G${i}`, is_private } };
          const { id } = (await call(older, 'POST', '/http/chat_groups', given)).body;
          groups.push(id);
          for (const { id: user_id } of known.slice(1))
            await call(older, 'POST', `/http/chat_groups/${id}/members`, { token: known[0].token, body: { user_id } });
        }

        // It migrates the tables while the older one serves them.
        const place = { nodes: [older, await start()], wasAmiss: () => false } satisfies Place;
        const record = new Record();
        const actors: Actor[] = [];
        const people = known.map(({ id }, i) => ({ id, name: `P${i}` }));
        const world = { actors, people, groups, mails, owner: () => actors[0] };
        for (const [i, one] of known.slice(0, ACTORS).entries())
          actors.push(new Actor(one, `P${i}`, place, record, world, SEED));
        const appUsers: AppUser[] = [];
        for (const [i, one] of known.slice(ACTORS).entries()) {
          const name = people[ACTORS + i].name;
          const user = await AppUser.start(one, name, place, record, groups.slice(1), people.slice(0, 2), SEED);
          appUsers.push(user);
          cleanUps.push(() => user.close());
        }
        const live = async (): Promise<void> => {
          const until = performance.now() + TALK_FOR_MS;
          await Promise.all([...actors, ...appUsers].map((one) => one.live(until)));
        };
        await live();
        await hearEachOther(place.nodes, known.slice(ACTORS), groups[1]);

        // The older one ends, and comes back, as where a new version is given up in the middle; or it says why it does not.
        await older.kill('SIGTERM');
        place.nodes[0] = place.nodes[1];
        const again = await ServerProcess.spawn(env, 'main.js', OLDER);
        cleanUps.push(() => again.kill());
        const isBack = await again.ready().catch(() => false);
        if (isBack) place.nodes[0] = again;
        else
          expect(again.output, 'the older program does not start on these tables').toMatch(
            /they need Parley \S+ or newer/,
          );
        await live();

        const outputs = place.nodes.map(({ output }) => output.slice(-3_000)).join('\n');
        const wrong = await check(env['DATABASE_URL'], record, place, actors, appUsers, groups);
        expect(wrong, `seed ${SEED}\n${outputs}`).toEqual([]);
        for (const done of ['direct message', 'group message', 'message by parley-client', 'edited or deleted'])
          expect(record.done.get(done) ?? 0, done).toBeGreaterThan(10);
        for (const actor of actors) actor.hangUp();
      });
    });
});
