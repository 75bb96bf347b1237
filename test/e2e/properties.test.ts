// Whatever people do, in whatever order: every count is what the stored messages say, and whoever listened shows what whoever asks is told.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { onBothDialects, TestApp } from '../support/app.js';
import { actions, World } from '../support/world.js';

/** Enough to notice; `PROPERTY_RUNS=1000` to hunt. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 40);
/** Shrinking takes minutes: where somebody hunts. */
const IS_QUICK = process.env['PROPERTY_RUNS'] === undefined;

onBothDialects('after anything that people do', (dialect) => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());

  it(
    'every count is what the stored messages say, and an old snapshot with the events is a new one',
    { timeout: 60_000 + RUNS * 60_000 },
    async () => {
      const checked = fc.assert(
        fc.asyncProperty(actions, async (all) => {
          const world = await World.start(app);
          try {
            let running: Promise<void>[] = [];
            for (const { atOnce, ...action } of all) {
              if (!atOnce) await Promise.all(running.splice(0));
              running.push(world.act(action));
            }
            await Promise.all(running);
            running = [];
            await world.assertCounts();
            await world.assertShown();
          } finally {
            world.end();
          }
        }),
        { numRuns: RUNS, endOnFailure: IS_QUICK },
      );
      await expect(checked).resolves.toBeUndefined();
    },
  );
});
