// The server in memory speaks as the real one does: each scenario happens to both, and what they answered and told is the same.
import pLimit from 'p-limit';
import { describe, expect, it } from 'vitest';
import { fakeWire } from './conformance/fake-wire.js';
import { realWire } from './conformance/real-wire.js';
import { SCENARIOS, type Scenario } from './conformance/scenarios.js';
import { Scene } from './conformance/scene.js';
import type { Wire } from './conformance/wire.js';

async function play({ play: happen, isTimed = true }: Scenario, wire: Wire): Promise<object> {
  try {
    const scene = await Scene.begin(wire);
    await happen(scene);
    return await scene.end(isTimed);
  } finally {
    await wire.end();
  }
}

/** One at a time: of what is told within a second or counted within a few, nothing may hang on what happens beside it. */
const alone = pLimit(1);

/** Each has a server of its own. Those that mostly wait do so while the others happen. */
describe.concurrent('the fake server and the real one say the same', () => {
  it.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('%s', async (_, scenario) => {
    const options = { rates: scenario.rates ?? false };
    const compare = async (): Promise<void> => {
      const fake = await play(scenario, fakeWire(options));
      const real = await play(scenario, await realWire(options));
      expect(fake).toEqual(real);
    };
    await (scenario.waits ? compare() : alone(compare));
  });
});
