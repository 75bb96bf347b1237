import { describe, expect, it } from 'vitest';
import { faultyWorld } from './faults.js';

// `npm run test:faults -- --minutes 30 --seed 7` sets these.
const minutes = Number(process.env['FAULTS_MINUTES'] ?? 0);
const first = Number(process.env['FAULTS_SEED'] ?? 1);
const ACTIONS = 150;

describe('three people on four clients, over a network that fails, with a server that is killed', () => {
  it.skipIf(minutes > 0).each([1, 2, 3])(
    'seed %i: everything that was accepted is everywhere, once and in order',
    async (seed) => {
      const { sent, errors } = await faultyWorld(seed, ACTIONS);
      expect(sent).toBeGreaterThan(20);
      expect(errors).toEqual([]);
    },
  );

  it.runIf(minutes > 0)(`for ${minutes} minutes, from seed ${first}`, { timeout: (minutes + 5) * 60_000 }, async () => {
    const failed: string[] = [];
    const end = Date.now() + minutes * 60_000;
    for (let seed = first; Date.now() < end; seed++) {
      const began = Date.now();
      try {
        const { sent, errors } = await faultyWorld(seed, ACTIONS);
        console.log(`seed ${seed}: ${sent} messages, ${Math.round((Date.now() - began) / 1000)} s`);
        expect(errors).toEqual([]);
      } catch (error) {
        console.log(`seed ${seed} FAILED: ${String(error)}`);
        failed.push(String(seed));
      }
    }
    expect(failed).toEqual([]);
  });
});
