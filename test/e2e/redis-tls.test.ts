// Nodes hear each other over TLS, by certificates of an authority of the operator's own.
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { RoomMessage } from '../../src/sockets/events.js';
import { emptyEnvironment, TestApp } from '../support/app.js';
import { makeCertificates } from '../support/certificates.js';
import { eventually, Person, record, send } from '../support/client.js';
import { onNodes } from '../support/community.js';
import { REDIS_KINDS, REDIS_TITLES, type RedisKind, startRedis } from '../support/redis-kinds.js';
import { ServerProcess } from '../support/server-process.js';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

onNodes('over TLS', (kind) => {
  describe.skipIf(kind !== 'mariadb')('on one database', () => {
    const certificates = makeCertificates();

    /** People who are known already, and the environment of nodes. */
    const begin = async (redisKind: RedisKind): Promise<{ env: Record<string, string>; people: Person[] }> => {
      const redis = await startRedis(redisKind, certificates);
      cleanUps.push(() => redis.stop());
      const { env, cleanUp } = await emptyEnvironment(kind);
      cleanUps.push(cleanUp);
      const app = await TestApp.startIn(env);
      const people = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob')];
      await app.app.close();
      const { PORT: _, ...rest } = env;
      return { env: { ...rest, REDIS_URL: redis.url, SMTP_URL: 'smtp://127.0.0.1:9' }, people };
    };
    const node = async (env: Record<string, string>): Promise<ServerProcess> => {
      const server = await ServerProcess.start(env);
      cleanUps.push(() => server.kill());
      return server;
    };

    for (const redisKind of REDIS_KINDS)
      it(`to ${REDIS_TITLES[redisKind]}, people on two nodes hear each other`, async () => {
        const { env, people } = await begin(redisKind);
        const trusting = { ...env, NODE_EXTRA_CA_CERTS: join(certificates, 'ca.crt') };
        const [ada, bob] = [people[0].at(await node(trusting)), people[1].at(await node(trusting))];
        const [a, b] = [await ada.connect(), await bob.connect()];
        cleanUps.push(() => [ada, bob].forEach((one) => one.hangUp()));
        const heard = record<RoomMessage>(b, 'message');
        let said = 0;
        // The first ones may be said before the nodes hear each other.
        await eventually(async () => {
          const message = `No. ${++said}`;
          expect(await send(a, { chat_type: 'room', other_user_id: bob.id, message })).toMatchObject({ ok: true });
          return heard.length > 0 || undefined;
        }, 'that Bob hears Ada');
      });

    it('a Redis whose certificate is of an unknown authority is not used, and the log says why', async () => {
      const { env, people } = await begin('single');
      const server = await node(env);
      await eventually(() => /certificate/.test(server.output) || undefined, 'that the log says it');
      expect(server.output).toMatch(/self-signed certificate|unable to (verify|get)/);
      // People of one node talk all the same.
      const [ada, bob] = people.map((one) => one.at(server));
      const [a, b] = [await ada.connect(), await bob.connect()];
      cleanUps.push(() => [ada, bob].forEach((one) => one.hangUp()));
      const heard = record<RoomMessage>(b, 'message');
      await send(a, { chat_type: 'room', other_user_id: bob.id, message: 'Hello' });
      await eventually(() => heard.length > 0 || undefined, 'that Bob hears Ada');
    });
  });
});
