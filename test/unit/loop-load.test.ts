import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LoopLoad } from '../../src/common/timing/loop-load.js';

const spin = (ms: number): void => {
  for (const until = performance.now() + ms; performance.now() < until;);
};

it('the load of the event loop is high where it works all the time, and not where it waits', async () => {
  const load = new LoopLoad(0.75);
  expect(load.isHigh()).toBe(false);
  for (let turn = 0; turn < 20; turn++) {
    spin(5);
    await new Promise(setImmediate);
  }
  expect(load.isHigh()).toBe(true);
  // The last 20 ms and more count, and not all before.
  await sleep(500);
  expect(load.isHigh()).toBe(false);
});

it('what happened just now does not change it', () => {
  const load = new LoopLoad(0.75);
  load.isHigh();
  spin(2);
  expect(load.isHigh()).toBe(false);
});
