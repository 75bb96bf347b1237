// Installs the embedded database's driver; `npm ci` runs it. Each version has a folder and a lockfile of its own: 13 holds its
// binaries and needs no compiler, but npm would call one for it from a lockfile of ours; 12 is built, on Node 20 and nowhere else.
// A driver that is there and runs is left alone. One that cannot be built is no failure of npm's: there is DATABASE_URL.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folderOf = (version) => fileURLToPath(new URL(`better-sqlite3-${version}`, import.meta.url));

function npm(folder, ...given) {
  const [command, ...first] = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  // The npm above names its own folder in the environment.
  const { npm_config_local_prefix: _, ...env } = process.env;
  const options = { cwd: folder, env, stdio: 'inherit', shell: command === 'npm' && process.platform === 'win32' };
  return spawnSync(command, [...first, ...given, '--prefix', folder], options).status === 0;
}

/** Whether this Node can use it; asked in another process, which may crash. */
const runs = (folder) =>
  spawnSync(process.execPath, ['-e', "new (require('./node_modules/better-sqlite3'))(':memory:').close()"], {
    cwd: folder,
    stdio: 'ignore',
  }).status === 0;

function install() {
  const isOld = Number(process.versions.node.split('.')[0]) < 22;
  const [for12, for13] = [folderOf(12), folderOf(13)];
  // On Node 20, too: a newer Node may come later, and this one takes a second.
  if (!existsSync(join(for13, 'node_modules', 'better-sqlite3')) || (!isOld && !runs(for13)))
    npm(for13, 'ci', '--ignore-scripts', '--loglevel=error');
  if (isOld) return runs(for12) || (npm(for12, 'ci') && runs(for12));
  // A system for which it holds no binary.
  return runs(for13) || (npm(for13, 'rebuild') && runs(for13));
}

if (process.env.npm_config_package_lock_only !== 'true' && !install())
  process.stderr.write(
    'The driver of the embedded database could not be installed. Node 20 needs a compiler and Python for it, Node 22 and newer do not. Without it, set DATABASE_URL.\n',
  );
