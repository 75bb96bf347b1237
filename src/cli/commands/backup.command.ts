import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { backUp } from '../archive/back-up.js';
import { type AddCommands, perform } from '../command.js';
import { counted, seconds, size } from '../output.js';

export const backupCommand: AddCommands = (program, done) =>
  perform(
    program
      .command('backup')
      .summary('write a backup of everything that is stored')
      .description(
        `Writes a backup: the database as it is at one moment, the secret, and the mails in DATA_DIR/outbox, with a manifest.
The server may run, and goes on writing. <file> is there when it is whole, and not before; nobody but its owner can
read it. It holds the secret and all messages: encrypt it before it leaves the machine. Next to <file> there must be
room for a copy of the database.`,
      )
      .argument('<file>', 'a new file, such as parley.tar.gz'),
    done,
    async ({ out, config }, _options, file) => {
      const began = performance.now();
      const path = resolve(file);
      const manifest = await backUp(config(), path, {
        onStep: (text) => out.progress(text),
        warn: (sentence) => out.warn(sentence),
      });
      const bytes = statSync(path).size;
      const { rows, parts, engine, migrations } = manifest;
      out.line(
        `${path} holds ${counted(rows['messages'] ?? 0, 'message')} and ${counted(rows['users'] ?? 0, 'user')} (${engine}, ${migrations.at(-1)}).`,
      );
      const mails = parts.filter(({ path: part }) => part.endsWith('.eml')).length;
      const secret = parts.some(({ path: part }) => part === 'jwt-secret') ? 'the secret' : 'no secret';
      out.line(
        `With it are ${secret} and ${counted(mails, 'mail')} of the outbox. ${size(bytes)} in ${seconds(performance.now() - began)}.`,
      );
      out.json({ ok: true, file: path, bytes, manifest });
      return true;
    },
  );
