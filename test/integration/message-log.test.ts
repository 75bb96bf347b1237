// The message log on a real database, without the transports around it: what happens to drafts when things go wrong.
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Registration } from '../../src/auth/registration.entity.js';
import { Session } from '../../src/auth/session.entity.js';
import { nameColumns, User } from '../../src/auth/user.entity.js';
import { CommonModule } from '../../src/common/common.module.js';
import { loadConfig } from '../../src/config/config.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { Conversation } from '../../src/conversations/conversation.entity.js';
import { ConversationsModule } from '../../src/conversations/conversations.module.js';
import type { Draft, Stored } from '../../src/conversations/draft.js';
import { Message } from '../../src/conversations/message.entity.js';
import { MessageLog } from '../../src/conversations/message-log.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { CommitUnknown, UnitOfWork } from '../../src/database/unit-of-work.js';
import { emptyEnvironment, onAllDialects } from '../support/app.js';

onAllDialects('the message log', (dialect) => {
  let module: TestingModule;
  let log: MessageLog;
  let unitOfWork: UnitOfWork;
  let cleanUp: () => Promise<void>;

  beforeEach(async () => {
    const environment = await emptyEnvironment(dialect);
    cleanUp = environment.cleanUp;
    const config = loadConfig(environment.env);
    module = await Test.createTestingModule({
      imports: [
        DatabaseModule.with(config),
        TypeOrmModule.forFeature([User, Session, Registration]),
        ConversationsModule,
        CommonModule,
        ConfigModule.with(config),
      ],
    })
      // Accounts and sockets, which the log does without.
      .useMocker(() => ({}))
      .compile();
    await module.init();
    [log, unitOfWork] = [module.get(MessageLog, { strict: false }), module.get(UnitOfWork, { strict: false })];
    // One chat, in which everybody who has a session may write.
    log.register<number>('room', {
      locate: (_tx, entries) =>
        Promise.resolve(entries.forEach((entry) => (entry.conversationId = entry.draft.target))),
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
      await tx.insert(Conversation, { kind: 'room', lastSeq: 0, lastMessageAt: null, createdAt: now });
    });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await module.close();
    await cleanUp();
  });

  const draft = (body: string, given: Partial<Draft> = {}): Draft => ({
    kind: 'room',
    sender: { userId: 1, sessionId: 1 },
    target: 1,
    body,
    ...given,
  });
  const append = (count: number, body = (i: number) => `${i}`) =>
    Promise.allSettled(Array.from({ length: count }, (_, i) => log.append(draft(body(i)))));
  const seqs = (outcomes: PromiseSettledResult<Stored>[]) =>
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

  it.skipIf(dialect === 'sqlite')('waits some seconds for a chat that somebody holds, and no longer', async () => {
    const holder = module.get(DataSource, { strict: false }).createQueryRunner();
    await holder.startTransaction();
    await holder.query('SET SESSION idle_transaction_timeout = 60');
    await holder.query('SELECT id FROM conversations WHERE id = 1 FOR UPDATE');
    const run = vi.spyOn(unitOfWork, 'run');
    expect(seqs(await append(3))).toEqual(Array(3).fill('busy'));
    expect(run).toHaveBeenCalledTimes(1);
    await holder.rollbackTransaction();
    await holder.release();
    expect(seqs(await append(2))).toEqual([1, 2]);
  });

  describe('after a lost answer to COMMIT', () => {
    it('finds out that it happened although the chat of some is gone by then, and stores nothing twice', async () => {
      await unitOfWork.run((tx) =>
        tx.insert(Conversation, { kind: 'room', lastSeq: 0, lastMessageAt: null, createdAt: new Date() }),
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
      const database = module.get(DataSource, { strict: false });
      const real = database.createQueryRunner.bind(database);
      vi.spyOn(database, 'createQueryRunner').mockImplementationOnce((mode) => {
        const runner = real(mode);
        const commit = runner.commitTransaction.bind(runner);
        vi.spyOn(runner, 'commitTransaction').mockImplementation(async () => {
          await commit();
          throw Object.assign(new Error('read ESOMETHING'), { code: 'ESOMETHING' });
        });
        return runner;
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
