// Puts three people on four clients over a network that fails, for as long as one likes: npm run test:faults -- --minutes 30 --seed 7
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
});
for (const [name, value] of Object.entries(values))
  if (!(Number(value) > 0)) {
    console.error(`--${name} ${value}: not a number above 0`);
    process.exit(2);
  }

const env = { ...process.env, FAULTS_MINUTES: values.minutes, FAULTS_SEED: values.seed };
spawn('npx', ['vitest', 'run', 'client/test/faults.test.ts'], { env, stdio: 'inherit' }).on(
  'close',
  (code) => (process.exitCode = code ?? 1),
);
