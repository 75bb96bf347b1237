// Runs this program beside an older one on the same rows: npm run test:upgrade -- --from REVISION [--on mariadb] [--seed 1]
import { execFileSync, spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { buildOf } from '../dist-bench/bench/builds.js';
import { undoAll, undoOnSignals } from '../dist-bench/bench/cleanup.js';

const { values } = parseArgs({
  options: {
    from: { type: 'string' },
    on: { type: 'string', default: 'mariadb' },
    seed: { type: 'string', default: '1' },
  },
});

/** Without one that is named, the newest release. */
function newestTag() {
  try {
    const given = { stdio: ['ignore', 'pipe', 'ignore'] };
    return execFileSync('git', ['describe', '--tags', '--abbrev=0'], given).toString().trim();
  } catch {
    return undefined;
  }
}

const from = values.from ?? newestTag();
if (from === undefined) {
  console.error('There is no release yet to begin from: name a commit, or the folder of a checkout, with --from.');
  process.exit(2);
}
if (!(Number(values.seed) > 0)) {
  console.error(`--seed ${values.seed}: not a number above 0`);
  process.exit(2);
}

undoOnSignals();
try {
  const { root, revision } = await buildOf(from, console.log);
  const env = {
    ...process.env,
    UPGRADE_ROOT: root,
    UPGRADE_REVISION: revision,
    UPGRADE_SEED: values.seed,
    TEST_DIALECTS: values.on,
    REQUIRE_SERVICES: '1',
  };
  const child = spawn('npx', ['vitest', 'run', 'test/upgrade'], { env, stdio: 'inherit' });
  process.exitCode = await new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
} catch (error) {
  console.error(`${from} cannot be built: ${error.message}`);
  process.exitCode = 1;
} finally {
  await undoAll();
}
