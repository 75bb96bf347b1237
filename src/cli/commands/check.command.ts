import { ConfigError } from '../../config/config.js';
import { loadEnvironment } from '../../config/environment.js';
import { checkAll } from '../checks/all.js';
import { type Checked, fail, type Found, ok, warn } from '../checks/check.js';
import { type AddCommands, perform } from '../command.js';
import { columns } from '../output.js';

const LABELS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

export const checkCommand: AddCommands = (program, done) =>
  perform(
    program
      .command('check')
      .summary('try everything that the server needs')
      .description(
        `Tries everything that the server needs: the configuration, the database, Redis, the mail server (without
sending a mail), PUBLIC_URL, TRUST_PROXY, the modes of files and the space on the disk. One line says what was
found, and what to do about it. It changes nothing, and may run beside the server or before its first start.
Exit code 1 where a line says FAIL; a warn alone is 0.`,
      ),
    done,
    async ({ out }) => {
      const checks = await lookAtAll();
      const isWell = checks.every(({ status }) => status !== 'fail');
      for (const line of columns(checks.map(({ name, status, text }) => [`${LABELS[status]}  ${name}`, text])))
        out.line(line);
      out.json({ ok: isWell, checks });
      return isWell;
    },
  );

async function lookAtAll(): Promise<Checked[]> {
  const named = (found: Found): Checked => ({ name: 'configuration', ...found });
  const warnings: string[] = [];
  try {
    const config = loadEnvironment((sentence) => warnings.push(sentence));
    const found = warnings.length > 0 ? warnings.map(warn) : [ok('All variables are right.')];
    return [...found.map(named), ...(await checkAll(config))];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Without it there is nothing to try.
    const lines = error.message.split('\n').map((line) => line.trim());
    const wrong = lines.length > 2 ? lines.slice(1, -1) : lines;
    return [...warnings.map(warn), ...wrong.map((line) => fail(`${line}. See .env.example.`.replace('..', '.')))].map(
      named,
    );
  }
}
