// Puts people on three nodes that are killed and paused, with their Redis and database: npm run test:chaos -- --minutes 10 --seed 7 --redis cluster
// --on mysql, or --on galera: three servers of a cluster, whose writer is killed, paused and cut off. --redis goes with each.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    on: { type: 'string', default: 'mariadb' },
    redis: { type: 'string', default: 'single' },
  },
});
for (const name of ['minutes', 'seed'])
  if (!(Number(values[name]) > 0)) {
    console.error(`--${name} ${values[name]}: not a number above 0`);
    process.exit(2);
  }
if (!['single', 'cluster', 'sentinel'].includes(values.redis)) {
  console.error(`--redis ${values.redis}: not single, cluster or sentinel`);
  process.exit(2);
}

const env = {
  ...process.env,
  CHAOS_MINUTES: values.minutes,
  CHAOS_SEED: values.seed,
  CHAOS_REDIS: values.redis,
  TEST_DIALECTS: values.on,
};
spawn('npx', ['vitest', 'run', 'test/chaos'], { env, stdio: 'inherit' }).on(
  'close',
  (code) => (process.exitCode = code ?? 1),
);
