import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { resolve } from 'node:path';
import { VERSION } from '../../common/version.js';
import { openToRead } from '../../database/open-to-read.js';
import { refusalOf } from '../../database/schema-floors.js';
import { schemaState } from '../../database/schema-state.js';
import { sizesOf } from '../../database/table-sizes.js';
import type { Config } from '../../config/config.js';
import { noDatabase } from '../../config/data-folder.js';
import { engineOf } from '../checks/database.js';
import { type AddCommands, perform } from '../command.js';
import { failureLine } from '../failure.js';
import { assertReadable } from '../given-files.js';
import { columns, count, size } from '../output.js';
import { lastLines, shownConfig } from '../support/shown.js';

export const supportCommand: AddCommands = (program, done) =>
  perform(
    program
      .command('support')
      .summary('print what a report of a fault needs')
      .description(
        `Prints what a report of a fault needs: versions, settings, the state of the tables, how many rows there are and how
large they are, and, with --log, the end of a log. Passwords, keys and texts are left out, and addresses in the log
are masked; read it before you pass it on. It changes nothing, and may run beside the server.`,
      )
      .option('--log <file>', 'add the last 100 lines of this file'),
    done,
    async ({ out, config }, options) => {
      const log = options['log'] as string | undefined;
      const settings = config();
      const versions: Record<string, string> = {
        parley: VERSION,
        node: process.versions.node,
        system: `${process.platform} ${release()} ${process.arch}`,
      };
      if (log !== undefined) assertReadable(resolve(log));
      const database = await stateOf(settings).catch((error: unknown) => ({ problem: failureLine(error, false) }));
      const lines = log === undefined ? undefined : lastLines(await readFile(resolve(log), 'utf8'));
      const configuration = shownConfig(settings);
      out.json({ ok: true, versions, configuration, database, ...(lines && { log: lines }) });
      const section = (title: string, rows: readonly string[]): void => {
        out.line(`## ${title}`);
        for (const row of rows) out.line(row);
        out.line('');
      };
      section('Versions', columns(Object.entries(versions)));
      section('Settings', columns(Object.entries(configuration)));
      section('Database', linesOf(database));
      if (lines) section(`The end of ${log}`, lines);
      return true;
    },
  );

interface State {
  engine: string;
  last_migration: string | undefined;
  pending: number;
  /** Migrations of a newer program. */
  unknown: string[];
  /** Why no server starts on them. */
  refusal: string | undefined;
  bytes: number;
  rows: Record<string, number>;
}

async function stateOf(config: Config): Promise<State> {
  const source = await openToRead(config);
  if (!source) throw noDatabase(config);
  try {
    const [schema, sizes] = [await schemaState(source), await sizesOf(source)];
    return {
      engine: await engineOf(source),
      last_migration: schema.done.at(-1),
      pending: schema.pending.length,
      unknown: schema.unknown,
      refusal: (await refusalOf(source))?.message,
      ...sizes,
    };
  } finally {
    await source.destroy();
  }
}

function linesOf(state: State | { problem: string }): string[] {
  if ('problem' in state) return [state.problem];
  return columns([
    ['engine', state.engine],
    ['last migration', state.last_migration ?? 'none'],
    ['pending migrations', String(state.pending)],
    ...(state.unknown.length > 0 ? [['of a newer Parley', state.unknown.join(', ')] as const] : []),
    ...(state.refusal === undefined ? [] : [['no server starts', state.refusal] as const]),
    ['size', size(state.bytes)],
    ...Object.entries(state.rows).map(([name, rows]) => [name, count(rows)] as const),
  ]);
}
