// Whatever people do, in whatever order: every count is what the stored messages say, and whoever listened shows what whoever asks is told.
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { onAllDialects, TestApp } from '../support/app.js';
import { WorldCheck } from '../support/world-check.js';
import { actions, World } from '../support/world.js';

/** Enough to notice; `PROPERTY_RUNS=1000` to hunt. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 40);
/** Worlds of one database: all of their people and groups must fit into one page of a list. */
const WORLDS_EACH = 100;
/** Shrinking takes minutes: where somebody hunts. */
const IS_QUICK = process.env['PROPERTY_RUNS'] === undefined;

onAllDialects('after anything that people do', (dialect) => {
  let app: TestApp;
  let worlds = 0;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());

  it(
    'every count is what the stored messages say, an old snapshot with the events is a new one, and what was deleted is nowhere',
    { timeout: 60_000 + RUNS * 60_000 },
    async () => {
      let before: World | undefined;
      // Events may wait for a second: each world listens for as long as the next one takes.
      const endBefore = () => {
        const ended = before;
        before = undefined;
        ended?.end();
      };
      const checked = fc.assert(
        fc.asyncProperty(actions, async (all) => {
          if (worlds++ === WORLDS_EACH) {
            endBefore();
            await app.stop();
            app = await TestApp.start(dialect);
            worlds = 1;
          }
          const world = await World.start(app);
          try {
            let running: Promise<void>[] = [];
            for (const { atOnce, ...action } of all) {
              // What somebody does with a session that ends meanwhile has no meaning.
              const isAlone = action.kind === 'logout';
              if (!atOnce || isAlone) await Promise.all(running.splice(0));
              running.push(world.act(action));
              if (isAlone) await Promise.all(running.splice(0));
            }
            await Promise.all(running);
            running = [];
            const check = new WorldCheck(world);
            await check.assertCounts();
            await check.assertShown();
            await check.assertForgotten();
            endBefore();
            before = world;
          } finally {
            if (before !== world) world.end();
          }
        }),
        { numRuns: RUNS, endOnFailure: IS_QUICK, includeErrorInReport: true },
      );
      // Not by `expect`, which would cut what it says.
      await checked;
      await sleep(1_500);
      expect(endBefore).not.toThrow();
    },
  );
});
