// Two nodes of the built program on one database, behind HAProxy: each is restarted while people talk.
import { afterEach, expect, it } from 'vitest';
import { emptyEnvironment, TestApp } from '../support/app.js';
import { eventually } from '../support/client.js';
import { onNodes } from '../support/community.js';
import { acknowledgedMore, Crowd } from '../support/crowd.js';
import { Haproxy, hasHaproxy } from '../support/haproxy.js';
import { Ledger, storedRows, wholeHistory } from '../support/ledger.js';
import { Onlooker } from '../support/onlooker.js';
import { clientWith } from '../support/person.js';
import { RedisServer } from '../support/redis-server.js';
import { ServerProcess } from '../support/server-process.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

onNodes('a rolling restart', (kind) => {
  it.skipIf(!hasHaproxy)('is nothing that anybody has to know of', { timeout: 300_000 }, async () => {
    const { env: empty, cleanUp } = await emptyEnvironment(kind);
    const people = await (async () => {
      const app = await TestApp.startIn(empty);
      const gathered = await Crowd.gather(app);
      await app.app.close();
      return gathered;
    })();
    cleanUps.push(cleanUp);
    const redis = await RedisServer.start();
    cleanUps.push(() => redis.stop());
    const { PORT: _, ...rest } = empty;
    const env = {
      ...rest,
      REDIS_URL: redis.url,
      SMTP_URL: 'smtp://127.0.0.1:9',
      TRUST_PROXY: '127.0.0.1',
      RATE_LIMITS: 'off',
    };
    const nodes = [await ServerProcess.start(env), await ServerProcess.start(env)];
    for (const i of nodes.keys()) cleanUps.push(() => nodes[i].kill());
    const haproxy = await Haproxy.start(nodes.map(({ port }) => port));
    cleanUps.push(() => haproxy.stop());
    const crowd = await people.connect(haproxy);
    cleanUps.push(() => crowd.hangUp());
    const onlookers = await Promise.all(crowd.people.map(({ token }) => Onlooker.at(haproxy, token, crowd.group)));

    const ledger = new Ledger();
    crowd.startSending(ledger, 5);
    for (const [i, node] of nodes.entries()) {
      await acknowledgedMore(ledger, 100);
      await node.kill('SIGTERM');
      expect(node.output).not.toContain('cut short');
      // All are on the other one by now, or soon.
      await crowd.back();
      await acknowledgedMore(ledger, 50);
      nodes[i] = await ServerProcess.restart(node, env);
    }
    expect([...ledger.refused.keys()].filter((code) => code !== 'no answer')).toEqual([]);
    await crowd.back();
    await ledger.settle(env, crowd.sockets);
    const history = await wholeHistory(crowd.people, crowd.group, true);
    for (const onlooker of onlookers) await onlooker.check(history);

    // By the library: one sends while the node of whoever reads goes, and both see all of it.
    const [ada, bob] = crowd.people;
    const room = (await clientWith(haproxy, ada.token)).room(bob.id);
    const texts = Array.from({ length: 50 }, (__, n) => `of the library: ${n}`);
    const sending = texts.map((text) => room.send(text));
    await Promise.race(sending);
    await nodes[0].kill('SIGTERM');
    await Promise.all(sending);
    const stored = await eventually(async () => {
      const rows = (await storedRows(env)).filter(({ body }) => body.startsWith('of the library'));
      return rows.length >= texts.length ? rows : undefined;
    });
    expect(stored.map(({ body }) => body)).toEqual(texts);
  });
});
