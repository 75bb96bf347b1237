import { basename, dirname, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { DatabaseUrlError, parseDatabaseUrl } from '../../config/database-url.js';
import type { Config } from '../../config/config.js';
import { noDatabase } from '../../config/data-folder.js';
import { type Counts, compareTables, copyTables } from '../../database/copy/copy-tables.js';
import { assertCurrent, readFrom } from '../../database/copy/source.js';
import { type Place, Target } from '../../database/copy/target.js';
import { dataSourceOptions } from '../../database/data-source-options.js';
import { assertNoNodes } from '../../database/neighbours.js';
import { openToRead } from '../../database/open-to-read.js';
import { takeLock } from '../../database/take-lock.js';
import { placeOf } from '../checks/database.js';
import { type AddCommands, type Context, perform } from '../command.js';
import { CommandError, UsageError } from '../failure.js';
import { faultsIn } from '../faults.js';
import { counted, seconds } from '../output.js';

export const moveCommand: AddCommands = (program, done) =>
  perform(
    program
      .command('move')
      .summary('copy everything into another database')
      .description(
        `Copies everything from the database of the settings into <target>, under the same numbers, and compares every value.
<target> is mysql://user:password@host/database, mariadb://…, or a folder for the embedded database; - reads it from
stdin, so that a password is in no list of processes. The target must be empty. The server must be stopped, and cannot
start meanwhile; the source is not changed. A move that breaks off leaves nothing that a server would start on.`,
      )
      .argument('<target>', 'a URL, a folder, or -'),
    done,
    async (context, _options, target) => {
      const { out } = context;
      const to = targetOf(target === '-' ? (await text(process.stdin)).trim() : (target ?? ''));
      const config = context.config();
      const began = performance.now();
      const counts = await move(context, config, to);
      const took = performance.now() - began;
      const rows = Object.values(counts).reduce((sum, one) => sum + one, 0);
      out.line(
        `${counted(rows, 'row')} of ${counted(Object.keys(counts).length, 'table')} are in ${placeOf(to)}, and were compared.`,
      );
      out.line(`It took ${seconds(took)}, for which no server could run.`);
      const findings = await faultsIn(to);
      for (const { where, text: fault } of findings) out.line(`In the source as well: ${where}: ${fault}`);
      for (const line of nextSteps(config, to)) out.line(line);
      out.json({
        ok: true,
        from: placeOf(config),
        to: placeOf(to),
        rows: counts,
        pause_ms: Math.round(took),
        findings,
      });
      return true;
    },
  );

function targetOf(target: string): Place {
  if (/^(mysql|mariadb):/i.test(target)) {
    try {
      return { databaseUrl: parseDatabaseUrl(target), dataDir: '' };
    } catch (error) {
      if (error instanceof DatabaseUrlError) throw new UsageError(`The target ${error.message}.`);
      throw error;
    }
  }
  if (target === '' || /^[a-z]+:\/\//i.test(target))
    throw new UsageError('The target is mysql://user:password@host/database, mariadb://…, or a folder such as ./data');
  const path = resolve(target);
  if (/\.(sqlite|db)$/.test(path) && basename(path) !== 'parley.sqlite')
    throw new UsageError(`The embedded database is called parley.sqlite: name its folder, such as ${dirname(path)}`);
  return { databaseUrl: undefined, dataDir: basename(path) === 'parley.sqlite' ? dirname(path) : path };
}

async function move({ out }: Context, config: Config, to: Place): Promise<Counts> {
  if (!config.databaseUrl && !to.databaseUrl)
    throw new UsageError('Both are embedded databases. Take a backup, and restore it where it should be.');
  const alone = await keepServersAway(config);
  try {
    const from = await readFrom(config);
    try {
      const target = await Target.make(to).catch((error: unknown) => {
        throw ofTarget(error);
      });
      try {
        const counts = await copyTables(from, target.store, (name) => out.progress(`copying ${name}`));
        out.progress('comparing');
        await compareTables(from, target.store);
        await target.finish();
        return counts;
      } catch (error) {
        await target.abandon();
        throw error;
      }
    } finally {
      await from.close();
    }
  } finally {
    await alone();
  }
}

/** @returns what lets them start again. @throws StartError where one runs */
async function keepServersAway(config: Config): Promise<() => Promise<void>> {
  // Before the lock, which is a file.
  await assertCurrent(config);
  const source = await openToRead(config);
  if (!source) throw noDatabase(config);
  try {
    const lock = await takeLock(config, await dataSourceOptions(config));
    if (config.databaseUrl)
      await assertNoNodes(source).catch(async (error: unknown) => {
        await lock.release();
        throw error instanceof Error && /REDIS_URL/.test(error.message)
          ? new CommandError('Parley nodes use the database in DATABASE_URL. Stop all of them first.')
          : error;
      });
    return () => lock.release();
  } finally {
    await source.destroy();
  }
}

/** The sentences about a place speak of DATABASE_URL and DATA_DIR. */
function ofTarget(error: unknown): unknown {
  return error instanceof Error && /DATABASE_URL|correct DATA_DIR/i.test(error.message)
    ? new CommandError(error.message.replaceAll(/DATABASE_URL|(?<=correct )DATA_DIR/gi, 'the target'))
    : error;
}

function nextSteps(config: Config, to: Place): string[] {
  if (!to.databaseUrl)
    return [
      `Now set DATA_DIR=${to.dataDir}, remove DATABASE_URL and REDIS_URL, keep JWT_SECRET, and start the server.`,
    ];
  const secret = config.jwtSecret
    ? 'keep JWT_SECRET'
    : `set JWT_SECRET to what is in ${config.dataDir}/jwt-secret, or all sessions end`;
  return [
    `Now set DATABASE_URL to that database, ${secret}, and start the server.`,
    ...(config.databaseUrl ? [] : [`${config.dataDir}/parley.sqlite is as it was. Keep it until you are content.`]),
  ];
}
