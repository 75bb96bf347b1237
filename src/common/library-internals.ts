import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StartError } from './start-error.js';

/*
 * Internals of a library may change with any release. Code that uses some checks them at the start, so that a version in which they have
 * changed is named at once, instead of failing later.
 */

/** Sentences about a library, with a check whether each is true. A check that throws counts as false. */
export type Internals = Readonly<Record<string, () => boolean>>;

/** The sentences that are not true any more. */
export const changedIn = (internals: Internals): string[] =>
  Object.entries(internals).flatMap(([sentence, isSo]) => (holds(isSo) ? [] : [sentence]));

function holds(isSo: () => boolean): boolean {
  try {
    return isSo();
  } catch {
    return false;
  }
}

/**
 * Makes sure that the internals of a library are as expected.
 * @param require of a file that uses the library
 * @throws StartError naming the version that has changed
 */
export function assertUnchanged(library: string, require: NodeJS.Require, internals: Internals): void {
  const changed = changedIn(internals);
  if (changed.length === 0) return;
  throw new StartError(
    `${library} ${versionOf(library, require)} has changed, and Parley cannot run with it. This is true no longer: ${changed.join('; ')}. Run \`npm ci\`, which installs the versions that were tested.`,
  );
}

/** Read from its package.json, which not all libraries export. */
export function versionOf(library: string, require: NodeJS.Require): string {
  let folder = dirname(require.resolve(library));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: string };
  return version ?? '(of an unknown version)';
}
