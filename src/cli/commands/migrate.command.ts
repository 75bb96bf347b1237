import type { Config } from '../../config/config.js';
import { lookAtDatabase, noDatabase } from '../../config/data-folder.js';
import { Database } from '../../database/data-source.js';
import { dataSourceOptions } from '../../database/data-source-options.js';
import { openToRead } from '../../database/open-to-read.js';
import { nameOf } from '../../database/schema-floors.js';
import { type SchemaState, schemaState } from '../../database/schema-state.js';
import { migrations } from '../../database/migrations/all.js';
import { placeOf } from '../checks/database.js';
import { type AddCommands, perform } from '../command.js';
import { type BesideNewer, heedRefusal } from '../open-tables.js';
import { counted } from '../output.js';

export const migrateCommand: AddCommands = (program, done) =>
  perform(
    program
      .command('migrate')
      .summary('bring the tables up to date')
      .description(
        `Brings the tables up to date, as each start of the server does unless MIGRATE_AT_START is off. It refuses while
a server without REDIS_URL runs. Make a backup first. With --plan it changes nothing, and says what would run.`,
      )
      .option('--plan', 'say what would run, and change nothing'),
    done,
    async ({ out, config }, options) => {
      const isPlan = options['plan'] === true;
      const settings = config();
      const {
        done: ran,
        pending,
        unknown,
      } = await stateOf(settings, { refuses: !isPlan, warn: (sentence) => out.warn(sentence) });
      const names = pending.map(nameOf);
      if (!isPlan && names.length > 0) await migrate(settings);
      // What holds afterwards: what has run is no longer pending.
      const answer = isPlan
        ? { done: ran, pending: names, ran: [] }
        : { done: [...ran, ...names], pending: [], ran: names };
      out.json({ ok: true, is_plan: isPlan, ...answer, unknown });
      out.line(
        ran.length === 0
          ? noTables(settings, isPlan)
          : `${counted(ran.length, 'migration')} of ${migrations.length} known ones made the tables; the last is ${ran.at(-1)}.`,
      );
      if (unknown.length > 0) out.line(`Made by a newer Parley: ${unknown.join(', ')}.`);
      for (const name of names) out.line(`${isPlan ? 'would run' : 'has run'}  ${name}`);
      out.line(
        names.length === 0 || !isPlan
          ? 'The tables are up to date.'
          : `${counted(names.length, 'migration')} would run. Make a backup with the version that ran until now, and run: parley migrate`,
      );
      return true;
    },
  );

/** Says where that is: somebody who has tables has named another place. */
function noTables(config: Config, isPlan: boolean): string {
  if (!isPlan) return `There were no tables in ${placeOf(config)}.`;
  if (config.databaseUrl || lookAtDatabase(config) !== 'none') return `There are no tables in ${placeOf(config)} yet.`;
  return `There are no tables yet. ${noDatabase(config).message}`;
}

async function stateOf(config: Config, newer: Pick<BesideNewer, 'refuses' | 'warn'>): Promise<SchemaState> {
  const source = await openToRead(config);
  if (!source) return { done: [], unknown: [], pending: migrations.map((Migration) => new Migration()) };
  try {
    await heedRefusal(source, newer);
    return await schemaState(source);
  } finally {
    await source.destroy();
  }
}

async function migrate(config: Config): Promise<void> {
  const database = await Database.open({ ...config, migrateAtStart: true }, await dataSourceOptions(config));
  await database.destroy();
}
