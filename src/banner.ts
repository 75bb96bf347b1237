import { relative } from 'node:path';
import { Logger } from '@nestjs/common';
import { API_DOCS_PATH, EVENTS_DOCS_PATH } from './api/api-docs/paths.js';
import { appUrlOf } from './config/app-url.js';
import type { Config } from './config/config.js';
import { VERSION } from './common/version.js';

/**
 * Prints the addresses once the server listens: a table, or one line of JSON in production.
 * @param engine the name of what the database is
 */
export function announce(config: Config, engine: string, readyAfterMs: number): void {
  const database = config.databaseUrl ? engine : `${engine} in ${shown(config.dataDir)}`;
  const mail = config.smtpUrl
    ? new URL(config.smtpUrl).host
    : `${config.devMail ? `${config.publicUrl}/dev/mail` : `${shown(config.dataDir)}/outbox`}  (no SMTP_URL: mails stay here)`;
  if (config.production) {
    new Logger('Parley').log({
      message: 'ready',
      version: VERSION,
      node: process.version,
      url: config.publicUrl,
      app: appUrlOf(config),
      database,
      mail,
    });
    return;
  }
  const isTTY = process.stdout.isTTY;
  const bold = (text: string) => (isTTY ? `\x1b[1m${text}\x1b[0m` : text);
  const api: [string, string] = [
    'API',
    `${config.publicUrl}/${API_DOCS_PATH}      events  ${config.publicPath}/${EVENTS_DOCS_PATH}`,
  ];
  const app = appUrlOf(config);
  const rows: [string, string][] = [
    ...(app === undefined
      ? []
      : [[config.appUrl === undefined ? 'Web client' : 'App', app] satisfies [string, string]]),
    ...(config.apiDocs ? [api] : []),
    ['Socket.IO', `${new URL(config.publicUrl).origin}  path ${config.publicPath}/socket`],
    ['Mail', mail],
    ['Try it', 'npm run demo    two users, a room, a group and the bot, ready to log in'],
  ];
  const title = `${bold(`Parley ${VERSION}`)}  ready in ${(readyAfterMs / 1000).toFixed(1)} s   Node ${process.versions.node} · ${database} · ${config.redisUrl === undefined ? '1 node' : 'one of several nodes'}`;
  console.log([title, ...rows.map(([name, what]) => `  ${bold(name.padEnd(10))} ${what}`)].join('\n'));
}

const shown = (folder: string): string => {
  const path = relative(process.cwd(), folder);
  return path.startsWith('..') ? folder : `./${path}`;
};
