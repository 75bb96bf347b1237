import type { Command } from 'commander';
import { createInterface } from 'node:readline/promises';
import { type Context, type Done, type Options, perform } from '../command.js';
import { person } from '../arguments.js';
import { CommandError, UsageError } from '../failure.js';
import { counted } from '../output.js';
import { Console } from './console.js';

export interface ServerContext extends Omit<Context, 'config'> {
  readonly server: Console;
}

/** Words that groups of such commands end their description with. */
export const HOW =
  'It speaks to the server that runs on DATA_DIR, and works without one, too. All of it is noted in the audit log.';

/** As `perform`, for a command that asks the server. */
export function onServer(
  command: Command,
  done: Done,
  action: (context: ServerContext, options: Options, ...args: string[]) => Promise<void>,
): void {
  perform(command, done, async ({ out, config }, options, ...args) => {
    const server = await Console.open(config(), (sentence) => out.warn(sentence));
    try {
      await action({ out, server }, options, ...args);
      return true;
    } finally {
      await server.close();
    }
  });
}

/** Adds `--reason`, which `reasonIn` reads. */
export const withReason = (command: Command): Command =>
  command.option('--reason <text>', 'why; kept in the audit log (write no names into it)');

export const reasonIn = ({ reason }: Options): { reason?: string } => (typeof reason === 'string' ? { reason } : {});

/** The argument that `personIn` reads. */
export const PERSON = ['<person>', 'their mail address, or their number', person] as const;

/** The id of somebody who is named by it, or by their whole address. @throws UsageError; CommandError where there is nobody */
export async function personIn(server: Console, word = ''): Promise<number> {
  if (!word.includes('@')) return Number(word);
  // Here, since most commands need none of what it is made of.
  const { isMailbox, normalizeEmail } = await import('../../auth/dto/email.field.js');
  const wanted = normalizeEmail(word);
  if (!isMailbox(wanted)) throw new UsageError(`${word} is no mail address.`);
  const found = await server.get<{ id: number; email: string }[]>(
    `/http/admin/users?query=${encodeURIComponent(word)}`,
  );
  const known = found.find(({ email }) => email === wanted);
  if (!known)
    throw new CommandError(
      `Nobody has the address ${word}. They may not have opened the link of their registration yet, or their account was erased. Look for them with: parley user list ${word.split('@')[0]}`,
    );
  return known.id;
}

/** What is said where an act has ended invitations of somebody's. Servers from before an upgrade count none. */
export function saidOfInvites(before: { invites?: number }, after: { invites?: number } = {}): string {
  const ended = (before.invites ?? 0) - (after.invites ?? 0);
  return ended > 0 ? ` ${counted(ended, 'invitation')} that they had made ${ended === 1 ? 'has' : 'have'} ended.` : '';
}

/** Adds `--yes` to what cannot be undone. */
export const withYes = (command: Command): Command => command.option('--yes', 'do not ask whether it is meant');

/** Asks at a terminal whether it is meant. @throws UsageError where there is none, and no --yes; CommandError where it is not */
export async function assertMeant(options: Options, question: string): Promise<void> {
  if (options['yes'] === true) return;
  if (!process.stdin.isTTY || options['json'] === true)
    throw new UsageError(`${question} Run it with --yes if you mean it.`);
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asking.question(`${question} Write yes: `);
    if (answer.trim() !== 'yes') throw new CommandError('Nothing was done.');
  } finally {
    asking.close();
  }
}
