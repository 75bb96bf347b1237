import { statSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Config } from '../../config/config.js';
import { consoleSocketPath, isTooLong } from '../../config/console-socket-path.js';
import { isDataFolderThere } from '../../config/data-folder.js';
import { CommandError, UsageError } from '../failure.js';
import { wordOf } from './words.js';

/** Longer than the server takes for any answer. */
const ANSWERED_WITHIN_MS = 30_000;
/** Pages of a list that are asked for: 1,000 rows each. */
const MOST_PAGES = 100;

interface Answer {
  status: number;
  body: unknown;
  /** The path of the next page of a list. */
  next?: string | undefined;
}

/** How long a server that holds the database, and is just starting or stopping, is waited for. */
const STARTS_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 250;

/** Servers that commands of this process have started for themselves. */
const ownServers = new Set<NestFastifyApplication>();

/** Where a command is interrupted: other nodes must be told that this one goes, or they take it for one that was killed. */
export async function closeOwnServers(): Promise<void> {
  await Promise.all([...ownServers].map((server) => server.close()));
}

/** Nobody listens there. */
class NoServer extends CommandError {
  constructor() {
    super('The server stopped meanwhile. Run the command again: what it did until then holds.');
  }
}

/**
 * The server, as commands ask it: the routes of admins, with every role. Where no server runs on DATA_DIR, one without a port is started for
 * the command, which keeps others from the database as any server does. With several nodes it is one more of them.
 */
export class Console {
  private constructor(
    private readonly config: Config,
    private readonly own: NestFastifyApplication | undefined,
  ) {}

  /** The caller closes it. @param warn is told what the operator should know @throws CommandError; StartError; ConfigError */
  static async open(config: Config, warn: (sentence: string) => void): Promise<Console> {
    const path = consoleSocketPath(config);
    if (process.platform === 'win32')
      throw new CommandError('This command needs Linux or macOS. Use the routes below /http/admin.');
    if (isTooLong(path)) throw new CommandError(`${path} is too long for a socket. Give DATA_DIR a shorter path.`);
    isDataFolderThere(config);
    const running = new Console(config, undefined);
    const until = performance.now() + STARTS_WITHIN_MS;
    for (;;) {
      if (await running.isThere()) return running;
      const own = await startWithoutPort(config, warn);
      if (own) return new Console(config, own);
      // Somebody has the database: a server that is starting or stopping, another command, or a server on another machine.
      if (performance.now() > until)
        throw new CommandError(
          'A server runs on this database, and its socket is not in DATA_DIR. Run the command on its machine, with its settings.',
        );
      await sleep(LOOK_EVERY_MS);
    }
  }

  private async isThere(): Promise<boolean> {
    try {
      await this.ask('GET', '/health/live');
      return true;
    } catch (error) {
      if (error instanceof NoServer) return false;
      throw error;
    }
  }

  /** Whether this command has one of its own: mails and exports are left to the next one, or to a node elsewhere. */
  get isAlone(): boolean {
    return this.own !== undefined;
  }

  /** What is read. @throws UsageError where the server refuses a value; CommandError with what it says else */
  async get<T>(path: string): Promise<T> {
    return (await this.ask('GET', path)).body as T;
  }

  /** All rows of a list, page after page. @throws as `get`, and where there are more than `MOST_PAGES` have */
  async list<T>(path: string): Promise<T[]> {
    const rows: T[] = [];
    let next: string | undefined = path;
    for (let page = 0; next !== undefined && page < MOST_PAGES; page++) {
      const answer: Answer = await this.ask('GET', next);
      rows.push(...(answer.body as T[]));
      next = answer.next;
    }
    if (next !== undefined)
      throw new CommandError(`There are more than ${rows.length.toLocaleString('en')}. Ask for fewer.`);
    return rows;
  }

  /** What is done. @returns what the server answers; undefined where that is nothing @throws as `get` */
  async act<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body: object = {}): Promise<T> {
    return (await this.ask(method, path, body)).body as T;
  }

  async close(): Promise<void> {
    if (!this.own) return;
    ownServers.delete(this.own);
    await this.own.close();
  }

  private async ask(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await this.send(method, path, body);
    if (answer.status < 400) return answer;
    const { message = `The server answered ${answer.status}.`, fields } = Object(answer.body) as {
      message?: string;
      fields?: Record<string, string[]>;
    };
    if (!fields) throw new CommandError(message);
    // Instead of the message, which names fields of HTTP.
    const lines = Object.entries(fields).map(([field, problems]) => `${wordOf(field)} ${problems.join(', ')}.`);
    throw new UsageError(lines.join(' '));
  }

  private send(method: string, path: string, body?: object): Promise<Answer> {
    const sent = body && JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          socketPath: consoleSocketPath(this.config),
          method,
          path,
          agent: false,
          timeout: ANSWERED_WITHIN_MS,
          headers: {
            // The server says in its log when it is asked for under another name.
            host: new URL(this.config.publicUrl).host,
            ...(sent !== undefined && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(sent),
            }),
          },
        },
        (response) => {
          text(response).then((given) => {
            const [, next] = /<([^>]*)>; rel="next"/.exec(String(response.headers['link'] ?? '')) ?? [];
            const isJson = /json/.test(String(response.headers['content-type']));
            resolve({
              status: response.statusCode ?? 0,
              body: isJson ? JSON.parse(given) : undefined,
              next: next === undefined ? undefined : pathBelow(this.config, next),
            });
          }, reject);
        },
      );
      asked.once('timeout', () => asked.destroy(new CommandError('The server did not answer. Look at its log.')));
      asked.once('error', (error) => reject(problemOf(error)));
      asked.end(sent);
    });
  }
}

/** The path of a link as the server itself knows it: without what a proxy puts before it. */
function pathBelow({ publicPath }: Config, link: string): string {
  const { pathname, search } = new URL(link);
  return pathname.slice(publicPath.length) + search;
}

function problemOf(error: NodeJS.ErrnoException): Error {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return new NoServer();
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return new CommandError(
      'This user may not speak to the server. Run the command as the user of the server, or as root.',
    );
  return error;
}

/**
 * A server that nobody but this command reaches, and that leaves what waits alone: work that it began would be broken off in a moment, with a try
 * counted, or a mail or question sent twice. @returns undefined where another process has the database
 */
async function startWithoutPort(
  config: Config,
  warn: (sentence: string) => void,
): Promise<NestFastifyApplication | undefined> {
  // Here, since most commands do without all that a server is made of.
  const [{ createApp }, { openTables }, { InUse }] = await Promise.all([
    import('../../create-app.js'),
    import('../open-tables.js'),
    import('../../database/single-process-lock.js'),
  ]);
  assertOwner(config);
  const newer = { refuses: true, meaning: 'It may use them meanwhile. Install the newer one.', warn };
  await (await openTables(config, newer)).destroy();
  try {
    const app = await createApp({ ...config, metricsPort: undefined, worksOnWhatWaits: false }, false);
    ownServers.add(app);
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    return app;
  } catch (error) {
    if (error instanceof InUse) return undefined;
    throw error;
  }
}

/** What a server makes in DATA_DIR belongs to whoever runs it: its own user could not open it any more. @throws CommandError */
function assertOwner(config: Config): void {
  if (!isDataFolderThere(config)) return;
  const { dataDir } = config;
  const { uid } = statSync(dataDir);
  if (uid !== process.getuid?.())
    throw new CommandError(
      `No server runs on ${dataDir}, and the folder belongs to another user (${uid}). Run the command as that user, or start the server first.`,
    );
}
