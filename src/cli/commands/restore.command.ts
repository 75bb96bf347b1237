import { resolve } from 'node:path';
import { restore } from '../archive/restore.js';
import { placeOf } from '../checks/database.js';
import { type AddCommands, perform } from '../command.js';
import { counted, seconds } from '../output.js';

export const restoreCommand: AddCommands = (program, done) =>
  perform(
    program
      .command('restore')
      .summary('bring a backup into an empty database')
      .description(
        `Brings a backup into the database of the settings, of whichever kind, which must be empty, with no server on it.
Checks all of it first, brings old tables up to date, and compares every value in the end. A backup that was made by a
newer version, or that is damaged, is refused. A restore that breaks off leaves nothing that a server would start on.`,
      )
      .argument('<file>', 'what parley backup has written'),
    done,
    async ({ out, config }, _options, file) => {
      const began = performance.now();
      const settings = config();
      const { manifest, findings, advice } = await restore(settings, resolve(file), (text) => out.progress(text));
      const { rows, engine, created_at } = manifest;
      out.line(
        `${counted(rows['messages'] ?? 0, 'message')} and ${counted(rows['users'] ?? 0, 'user')} are in ${placeOf(settings)}, as they were in ${engine} at ${created_at}.`,
      );
      for (const { where, text } of findings) out.line(`In the backup already: ${where}: ${text}`);
      if (advice !== undefined) out.line(advice);
      out.line(`It took ${seconds(performance.now() - began)}. Now start the server.`);
      out.json({ ok: true, manifest, findings, advice: advice ?? null });
      return true;
    },
  );
