import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';

/** The kinds of database servers that the tests start. */
export type ServerKind = 'mariadb' | 'mysql';
export const SERVER_KINDS: readonly ServerKind[] = ['mariadb', 'mysql'];
const chosen = process.env['TEST_DIALECTS']?.split(',');
/** TEST_DIALECTS=sqlite,mysql skips the others; without it, all are run. */
export const isChosen = (kind: ServerKind): boolean => !chosen || chosen.includes(kind);
export const TITLES = { mariadb: 'MariaDB', mysql: 'MySQL' } as const;

const FOLDERS = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];
export const find = (name: string): string | undefined =>
  FOLDERS.map((folder) => join(folder, name)).find((file) => existsSync(file));

export const isRoot = userInfo().uid === 0;

/** Where `scripts/mysql-server.sh` puts a MySQL, and in there the data folder of a server that was never used. */
const MYSQL_ROOT = process.env['PARLEY_MYSQL_ROOT'] || '/var/cache/parley/mysql';
const EMPTY = '/var/lib/parley-empty';

/** Options of a server that nobody kills: it writes, and does not wait for the disk. Many times as fast where that is busy. */
export const UNFLUSHED = {
  mariadb: ['--innodb-flush-method=nosync'],
  mysql: ['--innodb-flush-method=nosync', '--innodb-doublewrite=OFF', '--skip-log-bin'],
};

interface Installation {
  /** What runs the server, before its options. */
  command: string[];
  /** The folder that is `/` for it. */
  root: string;
  /** Makes the data folder; `folder` as the server sees it. */
  initialize: (folder: string) => void;
}

function mariadb(): Installation | undefined {
  const [server, install] = [find('mariadbd'), find('mariadb-install-db')];
  if (!server || !install) return undefined;
  const initialize = (folder: string): void => {
    // In the common temporary folder, servers that start at the same time delete each other's tables.
    const options = ['--no-defaults', `--datadir=${folder}/data`, `--tmpdir=${folder}`, ...asUser];
    const made = ['--auth-root-authentication-method=normal', '--skip-test-db', ...UNFLUSHED.mariadb];
    execFileSync(install, [...options, ...made], { stdio: 'pipe' });
  };
  return { command: [server], root: '', initialize };
}

function mysql(): Installation | undefined {
  const installed = find('mysqld');
  // MariaDB calls itself mysqld, too.
  if (installed && !/MariaDB/i.test(execFileSync(installed, ['--no-defaults', '--version']).toString())) {
    const initialize = (folder: string): void =>
      void execFileSync(
        installed,
        ['--no-defaults', ...asUser, `--datadir=${folder}/data`, '--initialize-insecure', '--log-error-verbosity=1'],
        { stdio: 'pipe' },
      );
    return { command: [installed], root: '', initialize };
  }
  if (!isRoot || !existsSync(MYSQL_ROOT + EMPTY)) return undefined;
  const initialize = (folder: string): void =>
    cpSync(MYSQL_ROOT + EMPTY, `${MYSQL_ROOT}${folder}/data`, { recursive: true });
  return { command: ['chroot', MYSQL_ROOT, 'mysqld'], root: MYSQL_ROOT, initialize };
}

const asUser = isRoot ? ['--user=root'] : [];
const INSTALLED = { mariadb: mariadb(), mysql: mysql() };

/** Whether this machine has what such a server is started from. */
export const canStart = (kind: ServerKind): boolean => isChosen(kind) && INSTALLED[kind] !== undefined;

/** What to do where it has not. */
export const CURES = {
  mariadb: 'install mariadb-server, or set TEST_MARIADB_URL',
  mysql: 'run scripts/mysql-server.sh, or set TEST_MYSQL_URL',
} as const;

/** A port that nothing listens on right now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** Stops a process where it is: all of its threads have stopped when this resolves. */
export async function freeze(one: ChildProcess): Promise<void> {
  one.kill('SIGSTOP');
  const states = (): string[] =>
    readdirSync(`/proc/${one.pid}/task`).map(
      (thread) => /\) (.)/.exec(readFileSync(`/proc/${one.pid}/task/${thread}/stat`, 'utf8'))![1],
    );
  while (existsSync('/proc/self') && states().some((state) => state !== 'T')) await sleep(5);
}

/** A database server of our own, with data in a temporary folder, that a test may also kill. */
export class DatabaseServer {
  private process?: ChildProcess;

  private constructor(
    readonly kind: ServerKind,
    private readonly installation: Installation,
    /** As the server sees it. */
    private readonly folder: string,
    readonly port: number,
  ) {}

  /**
   * Only where `canStart`.
   * @param options of the server, beside its own defaults
   * @param prepare puts files into the data folder, which is the server's working folder
   */
  static async start(
    kind: ServerKind,
    options: string[] = [],
    prepare: (dataFolder: string) => void = () => {},
  ): Promise<DatabaseServer> {
    const installation = INSTALLED[kind];
    if (!installation) throw new Error(`There is no ${TITLES[kind]} on this machine: ${CURES[kind]}.`);
    const { root } = installation;
    const folder = mkdtempSync(join(root, root ? '/tmp' : tmpdir(), `parley-${kind}-`)).slice(root.length);
    installation.initialize(folder);
    const server = new DatabaseServer(kind, installation, folder, await freePort());
    prepare(server.dataFolder);
    await server.run(options);
    return server;
  }

  get url(): string {
    return `mysql://root@127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.process!.pid!;
  }

  get dataFolder(): string {
    return `${this.installation.root}${this.folder}/data`;
  }

  /** Starts it, or starts it again after `kill`; resolves when it answers. */
  async run(options: string[] = []): Promise<void> {
    const [command, ...before] = this.installation.command;
    this.process = spawn(
      command,
      [
        ...before,
        // No configuration of the machine's: its character set is latin1, as MariaDB comes without a distribution's settings.
        '--no-defaults',
        ...asUser,
        `--datadir=${this.folder}/data`,
        `--tmpdir=${this.folder}`,
        `--socket=${this.folder}/socket`,
        `--pid-file=${this.folder}/pid`,
        `--port=${this.port}`,
        '--bind-address=127.0.0.1',
        '--max-connections=500',
        // Half of the memory, and nobody asks it.
        ...(this.kind === 'mysql' ? ['--mysqlx=OFF', '--performance-schema=OFF'] : []),
        ...options,
      ],
      { stdio: 'ignore' },
    );
    let isGone = false;
    this.process.once('exit', () => (isGone = true));
    for (let attempt = 0; attempt < 600 && !isGone; attempt++) {
      const connection = await createConnection(this.url).catch(() => undefined);
      if (connection) return connection.end();
      await sleep(50);
    }
    throw new Error(`The private ${TITLES[this.kind]} server did not answer within 30 s.`);
  }

  async query<T = Record<string, unknown>>(statement: string): Promise<T[]> {
    const connection = await createConnection(this.url);
    try {
      const [rows] = await connection.query(statement);
      return rows as T[];
    } finally {
      await connection.end();
    }
  }

  /** As a crash does it. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const ended = new Promise((resolve) => this.process!.once('exit', resolve));
    this.process!.kill(signal);
    await ended;
  }

  /** It is there and does nothing, until `thaw`: also what it was doing right now has stopped when this resolves. */
  freeze(): Promise<void> {
    return freeze(this.process!);
  }

  thaw(): void {
    this.process!.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.installation.root + this.folder, { recursive: true, force: true });
  }
}
