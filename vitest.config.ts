import { availableParallelism } from 'node:os';
import { defaultServerConditions } from 'vite';
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

// Packages of this repository are tested from their sources, not from what was built last.
const conditions = ['parley-source', ...defaultServerConditions];

/** They put others in the place of modules (`vi.mock`), which must not be loaded by then. */
const REPLACE_MODULES = ['test/unit/passwords.test.ts', 'test/e2e/library-internals.test.ts'];

const project = (test: TestProjectInlineConfiguration['test']): TestProjectInlineConfiguration => ({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: {
    setupFiles: ['reflect-metadata', 'test/support/spies.ts'],
    // Real databases, real hashes, real sockets: slow machines take their time, and no test is about speed.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    ...test,
  },
});

export default defineConfig({
  test: {
    projects: [
      project({
        name: 'server',
        include: ['test/**/*.test.ts', 'client/test/**/*.test.ts'],
        exclude: [...configDefaults.exclude, ...REPLACE_MODULES],
        // To load the server and its libraries takes a file longer than most of its tests: files of one worker share what is loaded.
        isolate: false,
      }),
      project({ name: 'alone', include: ['web/test/**/*.test.{ts,tsx}', ...REPLACE_MODULES] }),
    ],
    // Here, and not in the projects: it starts databases, once for all of them.
    globalSetup: ['test/support/global-setup.ts'],
    // Most files wait most of the time, for somebody to have been away for five seconds, say: three at once also on two cores.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // `npm run test:cov`. Servers that a test starts as processes of their own are not counted.
    coverage: { include: ['src/**/*.ts'] },
  },
});
