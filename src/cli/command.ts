import type { Command } from 'commander';
import type { Config } from '../config/config.js';
import { loadEnvironment } from '../config/environment.js';
import { UsageError } from './failure.js';
import { Output } from './output.js';

/** What every command is given. */
export interface Context {
  readonly out: Output;
  /** The settings of the server. @throws ConfigError */
  readonly config: () => Config;
}

/** What stands behind the options of a command, by their names. */
export type Options = Record<string, string | true | readonly string[] | undefined>;

/** Takes what a command has found out: whether all is well. */
export type Done = (isWell: boolean) => void;

/** Adds one group of commands to the program. */
export type AddCommands = (program: Command, done: Done) => void;

/**
 * Gives a command the options that all have, and runs `action` with its arguments and its own options.
 * @param action resolves to whether all is well; @throws CommandError, StartError or ConfigError with a line for the operator
 */
export function perform(
  command: Command,
  done: Done,
  action: (context: Context, options: Options, ...args: string[]) => Promise<boolean>,
): void {
  command
    .option('--json', 'print one object of JSON instead of text')
    .option('--verbose', 'print the log as well, and where in the program an error arose')
    .action(async (...given: unknown[]) => {
      const args = given.slice(0, command.registeredArguments.length) as string[];
      const options = command.opts<Options>();
      // As of a variable of a script that is not set.
      const empty = command.registeredArguments.find(({ required }, i) => required && args[i] === '');
      if (empty) throw new UsageError(`<${empty.name()}> is empty.`);
      const out = new Output(options['json'] === true);
      done(await action({ out, config: () => loadEnvironment() }, options, ...args));
      out.end();
    });
}
