// What has happened is told after its commit, in order, and never where it did not happen.
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { DomainEvents } from '../../src/domain-events/domain-events.js';
import { afterCommit, CommitUnknown, UnitOfWork } from '../../src/database/unit-of-work.js';
import { onAllDialects, TestApp } from '../support/app.js';

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
    const change = { groupId: 1, ownerId: 2, formerOwnerId: 3 };
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
});
