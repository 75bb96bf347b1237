import { availableParallelism } from 'node:os';
import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

// Packages of this repository are tested from their sources, not from what was built last.
const conditions = ['parley-source', ...defaultServerConditions];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: {
    include: ['test/**/*.test.ts', 'client/test/**/*.test.ts', 'web/test/**/*.test.{ts,tsx}'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['reflect-metadata', 'test/support/spies.ts'],
    // Real databases, real hashes, real sockets: slow machines take their time, and no test is about speed.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    // Most files wait most of the time, for somebody to have been away for five seconds, say: three at once also on two cores.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // `npm run test:cov`. Servers that a test starts as processes of their own are not counted.
    coverage: { include: ['src/**/*.ts'] },
  },
});
