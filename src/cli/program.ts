import { Command, CommanderError } from 'commander';
import { Logger } from '@nestjs/common';
import { isDebugged } from '../config/environment.js';
import { VERSION } from '../common/version.js';
import type { AddCommands } from './command.js';
import { EXIT, failureLine, parserLine, UsageError } from './failure.js';

const NOTES = `
Settings are those of the server: the environment, and a file .env in the current folder.

Exit codes: 0 all is well; 1 something was found, or failed; 2 the command line is wrong.`;

/** Every group of commands, in the order of the help. Only what is asked for is loaded: most of the time of a command goes into that. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommands>>> = {
  check: async () => (await import('./commands/check.command.js')).checkCommand,
  mail: async () => (await import('./commands/mail.command.js')).mailCommands,
  admin: async () => (await import('./commands/admin.command.js')).adminCommands,
  user: async () => (await import('./commands/user.command.js')).userCommands,
  export: async () => (await import('./commands/export.command.js')).exportCommand,
  group: async () => (await import('./commands/group.command.js')).groupCommands,
  report: async () => (await import('./commands/report.command.js')).reportCommands,
  invite: async () => (await import('./commands/invite.command.js')).inviteCommands,
  settings: async () => (await import('./commands/settings.command.js')).settingsCommands,
  audit: async () => (await import('./commands/audit.command.js')).auditCommand,
  backup: async () => (await import('./commands/backup.command.js')).backupCommand,
  restore: async () => (await import('./commands/restore.command.js')).restoreCommand,
  verify: async () => (await import('./commands/verify.command.js')).verifyCommand,
  move: async () => (await import('./commands/move.command.js')).moveCommand,
  migrate: async () => (await import('./commands/migrate.command.js')).migrateCommand,
  support: async () => (await import('./commands/support.command.js')).supportCommand,
};

/**
 * Runs one command.
 * @param words of the command line, without the program's name
 * @returns the exit code. Never throws: what fails is printed as one line, with its stack only where DEBUG is set, or with --verbose
 */
export async function run(words: readonly string[]): Promise<number> {
  const isVerbose = isDebugged() || words.includes('--verbose');
  // The parts of the server that commands use would write their log between the lines.
  if (!isVerbose) Logger.overrideLogger(false);
  let code: number = EXIT.ok;
  const program = new Command('parley')
    .description('Looks after a Parley server.')
    .version(VERSION, '--version', 'print the version')
    .helpCommand('help [command]', 'say more about a command')
    .addHelpText('after', NOTES)
    // What is wrong is printed below, like all that fails.
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  const done = (isWell: boolean) => void (code = isWell ? EXIT.ok : EXIT.failed);
  try {
    const [name = ''] = words;
    const wanted = Object.hasOwn(COMMANDS, name) ? [COMMANDS[name]!] : Object.values(COMMANDS);
    for (const load of wanted) (await load())(program, done);
    // Without a command there is nothing to do but to say which there are.
    await program.parseAsync(words.length > 0 ? words : ['--help'], { from: 'user' });
    return code;
  } catch (error) {
    // Help, or the version, that was asked for.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    const isParser = error instanceof CommanderError;
    const line = isParser ? parserLine(error) : failureLine(error, isVerbose);
    process.stderr.write(`${isParser ? 'error: ' : ''}${line}\n`);
    if (words.includes('--json')) process.stdout.write(`${JSON.stringify({ ok: false, error: line }, null, 2)}\n`);
    return isParser || error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}
