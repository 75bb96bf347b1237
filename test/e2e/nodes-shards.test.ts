// People on two nodes talk, while servers of their Redis fail, and others take over.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GroupMessage } from '../../src/sockets/events.js';
import { call, type ChatSocket, eventually, Person, record, send } from '../support/client.js';
import { onNodes, TestCommunity } from '../support/community.js';
import { RedisClusterServers } from '../support/redis-cluster.js';
import { RedisSentinels } from '../support/redis-sentinels.js';
import type { RedisServer } from '../support/redis-server.js';
import type { TestApp } from '../support/app.js';
import { makeGroup } from '../support/groups.js';

const SLOTS = 16_384;
/** How long people go on talking after something broke: longer than it takes to be noticed. */
const TALK_MS = 6_000;

onNodes('while servers of Redis fail', (kind) => {
  describe.skipIf(kind !== 'mariadb')('on one database', () => {
    let nodes: TestCommunity;
    let [one, two]: TestApp[] = [];
    /** At the first node are Ada and Eve, at the second Bob. */
    let [ada, eve, bob]: Person[] = [];
    let [a, e, b]: ChatSocket[] = [];
    let group: number;

    const begin = async (redis: RedisClusterServers | RedisSentinels): Promise<void> => {
      nodes = await TestCommunity.start(kind, 2, {}, redis);
      [one, two] = nodes.nodes;
    };
    const meet = async (): Promise<void> => {
      [ada, eve] = [await Person.known(one, 'Ada'), await Person.known(one, 'Eve')];
      bob = (await Person.known(one, 'Bob')).at(two);
      group = await makeGroup(ada);
      [a, e, b] = [await ada.connect(), await eve.connect(), await bob.connect()];
      for (const socket of [a, e, b]) await send(socket, { chat_type: 'group', chat_group_id: group, is_enter: true });
    };
    const part = async (): Promise<void> => {
      for (const person of [ada, eve, bob]) person?.hangUp();
      await nodes.redis.mend();
      await nodes.hearEachOther();
    };

    /** What was said while `happen` happened, and for some seconds more: stored, live on one node, and found on the other. */
    const talkThrough = async (happen: () => Promise<unknown>): Promise<void> => {
      const live = {
        e: record<GroupMessage>(e, 'message', ({ seq }) => seq !== undefined),
        b: record<GroupMessage>(b, 'message'),
      };
      const said: string[] = [];
      let isOver = false;
      const talking = (async () => {
        while (!isOver) {
          const message = `No. ${said.length}`;
          expect(await send(a, { chat_type: 'group', chat_group_id: group, message })).toMatchObject({ ok: true });
          said.push(message);
          await sleep(50);
        }
      })();
      // What fails below is told first.
      talking.catch(() => undefined);
      await eventually(() => live.b.length > 0 || undefined, 'that Bob hears Ada');
      await happen();
      await sleep(TALK_MS);
      isOver = true;
      await talking;
      await expect.poll(() => live.e.map(({ message }) => message)).toEqual(said);
      const found: string[] = [];
      for (let before = ''; ;) {
        const url = `/http/chat_groups/${group}?limit=100${before}`;
        const { body } = await call(two, 'GET', url, { token: bob.token });
        const page = body as { message: string; seq: number }[];
        found.unshift(...page.map(({ message }) => message));
        if (page.length === 0 || page[0].seq === 1) break;
        before = `&before=${page[0].seq}`;
      }
      expect(found).toEqual(said);
    };

    /** Bob hears Ada again, and Ada hears Bob. */
    const hearLive = async (): Promise<void> => {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ]) {
        const got = record<GroupMessage>(to, 'message');
        await eventually(
          async () => {
            await send(from, { chat_type: 'group', chat_group_id: group, message: 'again' });
            return got.some(({ message }) => message === 'again') || undefined;
          },
          'that people on two nodes hear each other',
          60_000,
        );
      }
    };

    describe('of a Redis Cluster', () => {
      let cluster: RedisClusterServers;
      beforeAll(async () => {
        cluster = await RedisClusterServers.start({ withReplicas: true });
        await begin(cluster);
      });
      afterAll(() => nodes?.stop());
      beforeEach(meet);
      afterEach(part);

      /** The one over which the packets of the group go. */
      const shard = (): Promise<RedisServer> => cluster.masterOf(`parley:room:group:${group}`);

      it.each(['killed', 'paused'])('one of which is %s, without a replica', async (how) => {
        const victim = await shard();
        const replica = await cluster.replicaOf(victim);
        expect(victim).not.toBe(replica);
        await talkThrough(async () => {
          await replica.kill();
          if (how === 'killed') await victim.kill();
          else victim.freeze();
        });
        await cluster.mend();
        await hearLive();
      });

      it('one of which is killed, and its replica takes over', async () => {
        const victim = await shard();
        const replica = await cluster.replicaOf(victim);
        await talkThrough(() => victim.kill());
        await expect.poll(shard).toBe(replica);
        await hearLive();
      });

      it('whose slots move', async () => {
        const to = await otherMaster();
        await talkThrough(async () => {
          for (let slot = 0; slot < SLOTS; slot += 1_021) await cluster.moveSlot(slot, to);
          for (const name of [`parley:room:group:${group}`, 'parley:nodes'])
            await cluster.moveSlot(await to.ask<number>(['CLUSTER', 'KEYSLOT', name]), to);
        });
        expect(await shard()).toBe(to);
        await hearLive();
      });

      const otherMaster = async (): Promise<RedisServer> => {
        const [here, news] = [await shard(), await cluster.masterOf('parley:nodes')];
        for (let i = 0; ; i++) {
          const master = await cluster.masterOf(`any${i}`);
          if (master !== here && master !== news) return master;
        }
      };
    });

    describe('of a master with Sentinels', () => {
      let redis: RedisSentinels;
      beforeAll(async () => {
        redis = await RedisSentinels.start();
        await begin(redis);
      });
      afterAll(() => nodes?.stop());
      beforeEach(meet);
      afterEach(part);

      it.each(['killed', 'paused'])('when it is %s', async (how) => {
        const master = await redis.master();
        await talkThrough(async () => {
          if (how === 'killed') await master.kill();
          else master.freeze();
        });
        await hearLive();
        expect(await redis.master()).not.toBe(master);
        await redis.mend();
        await hearLive();
      });
    });
  });
});
