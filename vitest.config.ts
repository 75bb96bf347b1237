import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['reflect-metadata', 'test/support/spies.ts'],
    // Real databases, real hashes, real sockets: slow machines take their time, and no test is about speed.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Most files wait most of the time, for somebody to have been away for five seconds, say: two at once also on two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // `npm run test:cov`. Servers that a test starts as processes of their own are not counted.
    coverage: { include: ['src/**/*.ts'] },
  },
});
