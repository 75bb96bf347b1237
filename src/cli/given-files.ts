import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CommandError } from './failure.js';

/** @throws CommandError where that is no file, or none that this user may read */
export function assertReadable(file: string): void {
  const found = at(file);
  if (!found) throw new CommandError(`There is no file ${file}.`);
  if (found.isDirectory()) throw new CommandError(`${file} is a folder. Name a file.`);
  try {
    accessSync(file, constants.R_OK);
  } catch {
    throw new CommandError(`This user may not read ${file}. Run the command as somebody who may.`);
  }
}

/** @throws CommandError where that is there already, or is in no folder */
export function assertNew(file: string): void {
  const folder = dirname(file);
  const around = at(folder);
  if (!around) throw new CommandError(`There is no folder ${folder}. Make it first.`);
  if (!around.isDirectory()) throw new CommandError(`${folder} is a file, and not a folder. Name another one.`);
  if (at(file)) throw new CommandError(`${file} is there already. Name another file.`);
}

/** What stands at a path; undefined where that is nothing, for certain. */
function at(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new CommandError(
      code === 'EACCES'
        ? `This user may not look into ${dirname(path)}. Run the command as somebody who may.`
        : `${path} cannot be used (${message}).`,
    );
  }
}
