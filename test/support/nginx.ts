import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder } from './app.js';
import { eventually } from './client.js';

const FOLDERS = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];
const BINARY = FOLDERS.map((folder) => join(folder, 'nginx')).find((file) => existsSync(file));

/** Whether this machine has an nginx to start. */
export const hasNginx = BINARY !== undefined;
if (!hasNginx) {
  const missing = 'NO NGINX ON THIS MACHINE: THE TUTORIAL BEHIND IT IS NOT RUN. To run it, apt install nginx.';
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, but: ${missing}`);
  console.warn(`\n*** ${missing}\n`);
}

/** An nginx of our own, which runs with no site yet, as on a Debian where it was just installed. */
export class Nginx {
  private readonly base = temporaryFolder();
  private process?: ChildProcess;

  /** Only where `hasNginx`. */
  static async start(): Promise<Nginx> {
    const nginx = new Nginx();
    nginx.configure();
    nginx.process = spawn(BINARY!, [...nginx.options, '-g', 'daemon off;'], { stdio: 'ignore' });
    await eventually(() => existsSync(join(nginx.base, 'pid')) || undefined, 'nginx');
    return nginx;
  }

  /** What is /etc elsewhere. */
  get etc(): string {
    return join(this.base, 'etc');
  }

  private get folder(): string {
    return join(this.etc, 'nginx');
  }

  private get options(): string[] {
    return ['-p', this.base, '-e', join(this.base, 'error.log'), '-c', join(this.folder, 'nginx.conf')];
  }

  /** Serves a site, soon. */
  serve(site: string): void {
    writeFileSync(join(this.folder, 'sites-enabled', 'site'), site);
    execFileSync(BINARY!, [...this.options, '-s', 'reload'], { stdio: 'ignore' });
  }

  /** A script that speaks to this one. */
  command(): string {
    return `#!/bin/sh\nexec ${BINARY} ${this.options.join(' ')} "$@"\n`;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process!.once('exit', resolve));
    this.process!.kill('SIGTERM');
    await ended;
    rmSync(this.base, { recursive: true, force: true });
  }

  private configure(): void {
    for (const name of ['sites-available', 'sites-enabled']) mkdirSync(join(this.folder, name), { recursive: true });
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    writeFileSync(
      join(this.folder, 'nginx.conf'),
      [
        // Root's workers would be nobody's, who cannot read below a temporary folder.
        ...(userInfo().uid === 0 ? ['user root;'] : []),
        `pid ${this.base}/pid;`,
        `error_log ${this.base}/error.log;`,
        'events { worker_connections 256; }',
        'http {',
        '  access_log off;',
        ...temporary.map((name) => `  ${name}_temp_path ${this.base}/${name};`),
        `  include ${this.folder}/sites-enabled/*;`,
        '}',
      ].join('\n'),
    );
  }
}
