// The message log on a real database, without the transports around it: what happens to drafts when things go wrong.
import { setTimeout as sleep } from 'node:timers/promises';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { createConnection } from 'mysql2/promise';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Registration } from '../../src/auth/registration.entity.js';
import { Erasure } from '../../src/identity/erasure.js';
import { Session } from '../../src/identity/session.entity.js';
import { nameColumns, User } from '../../src/identity/user.entity.js';
import { CommonModule } from '../../src/common/common.module.js';
import { loadConfig } from '../../src/config/config.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { Conversation } from '../../src/conversations/conversation.entity.js';
import { lockConversation, lockConversations } from '../../src/conversations/conversation-locks.js';
import { ClusterModule } from '../../src/cluster/cluster.module.js';
import { ConversationsModule } from '../../src/conversations/conversations.module.js';
import { ChatKinds } from '../../src/conversations/chat-kind.js';
import type { AppendResult, Draft } from '../../src/conversations/draft.js';
import { DomainEvents } from '../../src/domain-events/domain-events.js';
import { DomainEventsModule } from '../../src/domain-events/domain-events.module.js';
import { Message } from '../../src/conversations/message.entity.js';
import { MessageLog } from '../../src/conversations/message-log.js';
import { Database } from '../../src/database/data-source.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { CommitUnknown, UnitOfWork } from '../../src/database/unit-of-work.js';
import { emptyEnvironment, onAllDialects } from '../support/app.js';

onAllDialects('the message log', (dialect) => {
  let module: TestingModule;
  let log: MessageLog;
  let unitOfWork: UnitOfWork;
  let cleanUp: () => Promise<void>;
  let databaseUrl: string;

  beforeEach(async () => {
    const environment = await emptyEnvironment(dialect);
    cleanUp = environment.cleanUp;
    databaseUrl = environment.env['DATABASE_URL'] ?? '';
    const config = loadConfig(environment.env);
    module = await Test.createTestingModule({
      imports: [
        DatabaseModule.with(config),
        TypeOrmModule.forFeature([User, Session, Registration]),
        ConversationsModule,
        DomainEventsModule,
        ClusterModule.with(config),
        CommonModule,
        ConfigModule.with(config, 'a secret for the tests, longer than 32 bytes'),
      ],
    })
      // Accounts and sockets, which the log does without.
      // Accounts are not erased here.
      .useMocker((token) => (token === Erasure ? { onErase: () => {} } : {}))
      .compile();
    await module.init();
    [log, unitOfWork] = [module.get(MessageLog, { strict: false }), module.get(UnitOfWork, { strict: false })];
    // One chat, in which everybody who has a session may write.
    const never = () => Promise.reject(new Error('nobody edits here'));
    module.get(ChatKinds, { strict: false }).register('group', {
      locate: (_tx, entries) =>
        Promise.resolve(entries.forEach((entry) => (entry.conversationId = entry.draft.target))),
      targetOf: never,
      mayEdit: never,
      mayDelete: never,
    });
    await unitOfWork.run(async (tx) => {
      const now = new Date();
      await tx.insert(User, {
        email: 'a',
        passwordHash: 'x',
        ...nameColumns('A', 'B'),
        createdAt: now,
        lastSeen: null,
        erasedAt: null,
      });
      const session = { userId: 1, device: '', createdAt: now, revokedAt: null };
      await tx.insert(Session, { ...session, expiresAt: new Date(now.getTime() + 3_600_000) });
      await tx.insert(Session, { ...session, expiresAt: new Date(now.getTime() - 1) });
      await tx.insert(Conversation, { kind: 'group', lastSeq: 0, lastMessageAt: null, createdAt: now });
    });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await module.close();
    await cleanUp();
  });

  const draft = (body: string, given: Partial<Draft<'group'>> = {}): Draft<'group'> => ({
    kind: 'group',
    sender: { userId: 1, sessionId: 1 },
    target: 1,
    body,
    ...given,
  });
  const append = (count: number, body = (i: number) => `${i}`) =>
    Promise.allSettled(Array.from({ length: count }, (_, i) => log.append(draft(body(i)))));
  const seqs = (outcomes: PromiseSettledResult<AppendResult>[]) =>
    outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value.seq : (outcome.reason as { code: string }).code,
    );
  const stored = () => unitOfWork.read.find(Message, { where: { conversationId: 1 }, order: { seq: 'ASC' } });
  const range = (to: number) => Array.from({ length: to }, (_, i) => i + 1);

  it('stores drafts that come at once in a few transactions, in the order of the calls', async () => {
    const run = vi.spyOn(unitOfWork, 'run');
    expect(seqs(await append(600))).toEqual(range(600));
    expect(run.mock.calls.length).toBeLessThanOrEqual(4);
    expect((await stored()).map(({ seq, body }) => `${seq} ${body}`)).toEqual(
      range(600).map((seq) => `${seq} ${seq - 1}`),
    );
  });

  it('takes a draft that comes in the very moment in which the queue has run empty', async () => {
    const sendAndReturn = async () => await log.append(draft('first'));
    await sendAndReturn();
    expect((await log.append(draft('second'))).seq).toBe(2);
  });

  it('is not tried one by one where the database is out of order', async () => {
    const run = vi
      .spyOn(unitOfWork, 'run')
      .mockRejectedValueOnce(Object.assign(new Error(), { driverError: { code: 'SQLITE_FULL' } }));
    expect(seqs(await append(50))).toEqual(Array(50).fill('unavailable'));
    expect(run).toHaveBeenCalledTimes(1);
    expect(seqs(await append(1))).toEqual([1]);
  });

  it('answers busy when too many wait, and stores all that it took', async () => {
    const outcomes = seqs(await append(10_050));
    expect(outcomes.filter((outcome) => outcome === 'busy')).toHaveLength(50);
    expect(outcomes.slice(0, 10_000)).toEqual(range(10_000));
    expect(await unitOfWork.read.countBy(Message, { conversationId: 1 })).toBe(10_000);
    expect(seqs(await append(1))).toEqual([10_001]);
  });

  it('lets a draft that spoils its batch fail alone', async () => {
    // A text that no database takes: on MySQL for its length, on SQLite by a trigger that stands for it.
    const poison = 'x'.repeat(70_000);
    if (dialect === 'sqlite') {
      await unitOfWork.run((tx) =>
        tx.query(
          "CREATE TRIGGER poison BEFORE INSERT ON messages WHEN length(NEW.body) > 65535 BEGIN SELECT RAISE(ABORT, 'too long'); END",
        ),
      );
    }
    const outcomes = await append(40, (i) => (i === 17 ? poison : `${i}`));
    expect(outcomes[17].status).toBe('rejected');
    const rest = outcomes.filter((_, i) => i !== 17);
    expect(seqs(rest)).toEqual(range(39));
    expect((await stored()).map(({ body }) => body)).toEqual(
      range(40)
        .map((n) => `${n - 1}`)
        .filter((body) => body !== '17'),
    );
  });

  it('refuses who may not, and numbers the rest without a gap', async () => {
    const outcomes = await Promise.allSettled([
      log.append(draft('one')),
      log.append(draft('ended', { sender: { userId: 1, sessionId: 99 } })),
      log.append(draft('expired', { sender: { userId: 1, sessionId: 2 } })),
      log.append(draft('nowhere', { target: 77 })),
      log.append(draft('two')),
    ]);
    expect(seqs(outcomes)).toEqual([1, 'session_revoked', 'token_expired', 'not_found', 2]);
  });

  it('goes on where a listener throws, also where it is known late that a message is stored', async () => {
    const real = unitOfWork.run.bind(unitOfWork);
    vi.spyOn(unitOfWork, 'run')
      .mockImplementationOnce(async (work) => {
        await real(work);
        throw new CommitUnknown();
      })
      .mockImplementationOnce(() => {
        // By now nobody is kept waiting any longer.
        const now = performance.now.bind(performance);
        vi.spyOn(performance, 'now').mockImplementation(() => now() + 6_000);
        return Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' }));
      });
    const told: string[] = [];
    module.get(DomainEvents, { strict: false }).on('messageStored', ({ body }) => {
      told.push(body);
      throw new Error('a mistake');
    });
    await expect(log.append(draft('first'))).rejects.toMatchObject({ code: 'unavailable' });
    // Until the fate of the first is known, nothing else is stored.
    expect((await vi.waitFor(() => log.append(draft('second')), 10_000)).seq).toBe(2);
    expect(told).toEqual(['first', 'second']);
  });

  describe.skipIf(dialect === 'sqlite')('where somebody else holds what a draft needs', () => {
    const open: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const release of open.splice(0)) await release();
    });
    /** On a connection past the pool, which may pause for longer than ours. */
    const hold = async (sql: string): Promise<() => Promise<void>> => {
      const holder = await createConnection(databaseUrl);
      await holder.query('START TRANSACTION');
      if (module.get(DataSource, { strict: false }).options.type === 'mariadb')
        await holder.query('SET SESSION idle_transaction_timeout = 60');
      const [rows] = await holder.query(sql);
      expect(rows).toHaveLength(1);
      const release = async () => holder.destroy();
      open.push(release);
      return release;
    };
    const others: Partial<Draft<'group'>> = { sender: { userId: 2, sessionId: 3 }, target: 2 };

    beforeEach(async () => {
      await unitOfWork.run(async (tx) => {
        const now = new Date();
        const names = nameColumns('C', 'D');
        await tx.insert(User, {
          email: 'c',
          passwordHash: 'x',
          ...names,
          createdAt: now,
          lastSeen: null,
          erasedAt: null,
        });
        await tx.insert(Session, {
          userId: 2,
          device: '',
          createdAt: now,
          revokedAt: null,
          expiresAt: new Date(now.getTime() + 3_600_000),
        });
        await tx.insert(Conversation, { kind: 'group', lastSeq: 0, lastMessageAt: null, createdAt: now });
      });
      // The rows of the members are there.
      await Promise.all([log.append(draft('0')), log.append(draft('0', others))]);
    });

    it.each([
      ['the chat', 'SELECT id FROM conversations WHERE id = 1 FOR UPDATE'],
      ['the session', 'SELECT id FROM sessions WHERE id = 1 FOR UPDATE'],
      ['the read mark', 'SELECT user_id FROM members WHERE conversation_id = 1 AND user_id = 1 FOR UPDATE'],
    ])('all others are stored meanwhile, and it is stored afterwards, in order: %s', async (_, sql) => {
      const release = await hold(sql);
      const settled: number[] = [];
      const kept = [1, 2].map((n) =>
        log.append(draft(`${n}`, { clientId: `${n}` })).then(({ seq }) => void settled.push(seq)),
      );
      for (let n = 2; n <= 5; n++) expect((await log.append(draft(`${n}`, others))).seq).toBe(n);
      kept.push(log.append(draft('3')).then(({ seq }) => void settled.push(seq)));
      expect((await log.append(draft('6', others))).seq).toBe(6);
      expect(settled).toEqual([]);
      await release();
      await Promise.all(kept);
      expect(settled).toEqual([2, 3, 4]);
      expect((await stored()).map(({ body }) => body)).toEqual(['0', '1', '2', '3']);
    });

    it('lets go of a long queue as soon as it is free, in order, also while more comes', async () => {
      const release = await hold('SELECT id FROM conversations WHERE id = 1 FOR UPDATE');
      const kept: Promise<number>[] = [];
      const add = (count: number) => {
        for (let i = 0; i < count; i++) kept.push(log.append(draft(`${kept.length}`)).then(({ seq }) => seq));
      };
      add(300);
      // Until they are known to be held.
      expect((await log.append(draft('1', others))).seq).toBe(2);
      add(10);
      expect((await log.append(draft('2', others))).seq).toBe(3);
      await release();
      for (let i = 0; i < 100; i++) {
        add(2);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      expect(await Promise.all(kept)).toEqual(kept.map((_, i) => i + 2));
    });

    it('has its turn where the row goes from one to the next and is never free, in order', async () => {
      let isOver = false;
      let had = 0;
      const holdInTurn = async (): Promise<void> => {
        const holder = await createConnection(databaseUrl);
        while (!isOver) {
          await holder.query('START TRANSACTION');
          await holder.query('SELECT id FROM conversations WHERE id = 1 FOR UPDATE');
          had++;
          await sleep(5);
          await holder.query('COMMIT');
        }
        await holder.end();
      };
      const holders = Array.from({ length: 4 }, holdInTurn);
      open.push(async () => {
        isOver = true;
        await Promise.all(holders);
      });
      await vi.waitFor(() => expect(had).toBeGreaterThan(4), 10_000);
      const kept: Promise<AppendResult>[] = [];
      for (let i = 0; i < 60; i++) {
        kept.push(log.append(draft(`${i}`)));
        if (i % 10 === 0) expect((await log.append(draft(`${i}`, others))).seq).toBe(2 + i / 10);
        await sleep(10);
      }
      expect(seqs(await Promise.allSettled(kept))).toEqual(kept.map((_, i) => i + 2));
      expect((await stored()).map(({ body }) => body)).toEqual(['0', ...kept.map((_, i) => `${i}`)]);
    });

    it('keeps no chat for a batch that does not come', async () => {
      const release = await hold('SELECT id FROM conversations WHERE id = 1 FOR UPDATE');
      const first = log.append(draft('1'));
      // By now it has a place in line.
      for (let n = 2; n <= 8; n++) {
        expect((await log.append(draft(`${n}`, others))).seq).toBe(n);
        await sleep(20);
      }
      await release();
      expect((await first).seq).toBe(2);
      const found = await unitOfWork.run((tx) => lockConversation(tx, 1));
      expect(found).toMatchObject({ id: 1, last_seq: 2 });
    });

    it('lets transactions that wait for it have no connection, nor any other row', async () => {
      const release = await hold('SELECT id FROM conversations WHERE id = 1 FOR UPDATE');
      const order: string[] = [];
      const waiting = Array.from({ length: 30 }, (_, i) =>
        unitOfWork.run(async (tx) => {
          await lockConversation(tx, 2);
          await lockConversation(tx, 1);
          order.push(`${i}`);
        }),
      );
      for (let n = 2; n <= 6; n++) {
        expect((await log.append(draft(`${n}`, others))).seq).toBe(n);
        await unitOfWork.run((tx) => lockConversation(tx, 2));
      }
      expect(order).toEqual([]);
      await release();
      // On a machine that is slow, some were refused by then.
      const outcomes = await Promise.allSettled(waiting);
      const refused = outcomes.filter(({ status }) => status === 'rejected');
      expect(order).toHaveLength(30 - refused.length);
      expect(refused.filter((one) => (one as PromiseRejectedResult).reason.code !== 'busy')).toEqual([]);
    });

    it('is stored although hundreds wait for a connection', async () => {
      let answered = 0;
      const reads = Array.from({ length: 200 }, () =>
        unitOfWork.read.query('SELECT SLEEP(0.02)').then(() => void answered++),
      );
      expect((await log.append(draft('1'))).seq).toBe(2);
      expect(answered).toBeLessThan(100);
      await Promise.all(reads);
    });

    it('whoever needs many chats gets them while all of them are written to', async () => {
      const chats = await unitOfWork.run(async (tx) => {
        const rows = Array.from({ length: 40 }, () => ({
          kind: 'group' as const,
          lastSeq: 0,
          lastMessageAt: null,
          createdAt: new Date(),
        }));
        const { identifiers } = await tx.insert(Conversation, rows);
        return identifiers.map(({ id }) => id as number);
      });
      let isOver = false;
      const write = async (target: number): Promise<number> => {
        for (let count = 0; ; count++) {
          if (isOver) return count;
          expect((await log.append(draft(`${count}`, { target }))).seq).toBe(count + 1);
        }
      };
      const writing = chats.map(write);
      for (let round = 0; round < 10; round++) await unitOfWork.run((tx) => lockConversations(tx, chats));
      isOver = true;
      expect(Math.min(...(await Promise.all(writing)))).toBeGreaterThan(0);
    });

    it('is refused as busy after some seconds, and everything goes on after that', async () => {
      const release = await hold('SELECT id FROM conversations WHERE id = 1 FOR UPDATE');
      expect(seqs(await append(3))).toEqual(Array(3).fill('busy'));
      await release();
      expect(seqs(await append(2))).toEqual([2, 3]);
    });

    it('makes all busy after two seconds where the database cannot leave out what is held', async () => {
      const database = module.get(Database, { strict: false });
      database.locking = { skipsLocked: false, refusesToWait: false, shares: true };
      await hold('SELECT id FROM conversations WHERE id = 1 FOR UPDATE');
      const run = vi.spyOn(unitOfWork, 'run');
      // MySQL looks once a second whose two seconds are over; on a machine that is busy, the statement's own three are over before.
      for (const code of seqs(await append(3))) expect(['busy', 'unavailable']).toContain(code);
      expect(run).toHaveBeenCalledTimes(1);
    });
  });

  it.skipIf(dialect === 'sqlite')('tries deadlocks again for two seconds, as often as they come', async () => {
    const deadlock = Object.assign(new Error(), { driverError: { code: 'ER_LOCK_DEADLOCK', sqlState: '40001' } });
    let tries = 0;
    const work = async () => {
      if (++tries < 8) throw deadlock;
    };
    await unitOfWork.run(work);
    expect(tries).toBe(8);
    await expect(unitOfWork.run(() => Promise.reject(deadlock))).rejects.toMatchObject({ code: 'busy' });
  });

  describe('after a lost answer to COMMIT', () => {
    it('finds out that it happened although the chat of some is gone by then, and stores nothing twice', async () => {
      await unitOfWork.run((tx) =>
        tx.insert(Conversation, { kind: 'group', lastSeq: 0, lastMessageAt: null, createdAt: new Date() }),
      );
      const real = unitOfWork.run.bind(unitOfWork);
      vi.spyOn(unitOfWork, 'run').mockImplementationOnce(async (work) => {
        await real(work);
        await real(async (tx) => {
          await tx.delete(Message, { conversationId: 1 });
          await tx.delete(Conversation, { id: 1 });
        });
        throw new CommitUnknown();
      });
      const both = [log.append(draft('in the first')), log.append(draft('in the second', { target: 2 }))];
      expect(seqs(await Promise.allSettled(both))).toEqual([1, 1]);
      expect(await unitOfWork.read.countBy(Message, { conversationId: 2 })).toBe(1);
    });

    it('finds out that it happened, and stores nothing twice', async () => {
      const real = unitOfWork.run.bind(unitOfWork);
      vi.spyOn(unitOfWork, 'run').mockImplementationOnce(async (work) => {
        await real(work);
        throw new CommitUnknown();
      });
      expect(seqs(await append(3))).toEqual([1, 2, 3]);
      expect(await stored()).toHaveLength(3);
    });

    it.skipIf(dialect === 'sqlite')('takes no error for an answer that the database did not give', async () => {
      const database = module.get(Database, { strict: false });
      const commit = database.commit.bind(database);
      vi.spyOn(database, 'commit').mockImplementationOnce(async (runner) => {
        await commit(runner);
        throw Object.assign(new Error('read ESOMETHING'), { code: 'ESOMETHING' });
      });
      expect(seqs(await append(3))).toEqual([1, 2, 3]);
      expect(await stored()).toHaveLength(3);
    });

    it('finds out that it did not happen, and says so', async () => {
      const real = unitOfWork.run.bind(unitOfWork);
      vi.spyOn(unitOfWork, 'run').mockImplementationOnce(async (work) => {
        await real(async (tx) => {
          await work(tx);
          throw new CommitUnknown();
        });
        throw new Error('not reached');
      });
      const [outcome] = await append(1);
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
      expect(await stored()).toEqual([]);
      expect(seqs(await append(1))).toEqual([1]);
    });
  });
});
