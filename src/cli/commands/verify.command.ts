import type { Finding } from '../../integrity/finding.js';
import { Verification } from '../../integrity/verification.js';
import { placeOf } from '../checks/database.js';
import { type AddCommands, perform } from '../command.js';
import { openTables } from '../open-tables.js';
import { counted } from '../output.js';

/** As many findings as JSON holds; all are printed. */
const MOST_IN_JSON = 10_000;

export const verifyCommand: AddCommands = (program, done) =>
  perform(
    program
      .command('verify')
      .summary('look for faults in what is stored')
      .description(
        `Looks through the whole database for what must not be: gaps in the numbers of messages and changes, marks beyond the
last message, counts that a recount does not give, rows of nobody, texts that should be gone, sessions of people who are
suspended, and an audit log whose chain of hashes is broken. One line for each finding; none on a healthy database. It only
reads, and takes at most half of the database's time, so that it may run beside the server. Exit code 1 where something was
found.`,
      )
      .option('--hurry', 'without pauses: nobody else needs the database'),
    done,
    async ({ out, config }, options) => {
      const settings = config();
      const source = await openTables(settings, {
        refuses: false,
        meaning: 'What is found here may be no fault: use the version that does.',
        warn: (sentence) => out.warn(sentence),
      });
      try {
        const verification = new Verification(source, options['hurry'] === true);
        const findings: Finding[] = [];
        let found = 0;
        for await (const finding of verification.findings()) {
          out.line(`${finding.kind.padEnd(9)}  ${finding.where}: ${finding.text}`);
          if (found++ < MOST_IN_JSON) findings.push(finding);
        }
        const { chats, messages } = verification;
        out.line(
          `${found === 0 ? 'Nothing wrong' : counted(found, 'fault')} in ${counted(chats, 'chat')} with ${counted(messages, 'message')} (${placeOf(settings)}).`,
        );
        out.json({ ok: found === 0, chats, messages, count: found, findings });
        return found === 0;
      } finally {
        await source.destroy();
      }
    },
  );
