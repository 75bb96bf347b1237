import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './app.js';
import { eventually } from './client.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What the commands of a tutorial find in Parley's folder, built. */
const PARLEY = ['package.json', 'node_modules', 'dist', 'brain', 'drivers'];
/** The longest that one block of commands may take, and a server to end. */
const PATIENCE_MS = 50_000;
const END_WITHIN_MS = 15_000;

interface Block {
  /** The first word behind the fence. */
  language: string;
  /** The words behind it: `title=bot.mjs`, `listens=3000`, `opens=443`. */
  marks: Map<string, string>;
  text: string;
}

function blocksOf(markdown: string): Block[] {
  const blocks = [...markdown.matchAll(/^```(\w*)(.*)\n([\s\S]*?)^```$/gm)];
  if (blocks.length * 2 !== markdown.match(/^ *(```|~~~)/gm)?.length) throw new Error('A block would be passed over.');
  return blocks.map(([, language, marks, text]) => ({
    language,
    marks: new Map([...marks.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value])),
    text,
  }));
}

/**
 * A page of docs/tutorials, done as it says, in a folder that looks like Parley's own. Of its fenced blocks
 *
 * - one with `title=` is written to that file;
 * - `sh` runs in bash, in order, and what is exported stays; a line that fails ends it. With `opens=PORT` that port answers afterwards;
 * - `sh` with `listens=PORT` is a server, which runs from then on;
 * - `text` is what the commands before it print, all of it; `…` stands for anything.
 */
export class Tutorial {
  readonly folder = temporaryFolder();
  /** What all servers have printed. */
  output = '';
  private readonly servers: ChildProcess[] = [];
  private readonly blocks: Block[];
  private readonly bin = join(this.folder, 'bin');
  private printed = '';

  /**
   * @param changes what stands in the page, and what the test has in its place (ports, folders), the first that fits
   * @param env what the reader's machine would have
   * @param commands in the place of the machine's own, each a script
   */
  constructor(
    page: string,
    private readonly changes: Record<string, string>,
    private readonly env: Record<string, string> = {},
    commands: Record<string, string> = {},
  ) {
    this.blocks = blocksOf(readFileSync(join(ROOT, 'docs/tutorials', page), 'utf8'));
    for (const name of PARLEY) symlinkSync(join(ROOT, name), join(this.folder, name));
    mkdirSync(this.bin);
    for (const [name, script] of Object.entries(commands)) writeFileSync(join(this.bin, name), script, { mode: 0o755 });
    writeFileSync(join(this.folder, '.exported'), '');
  }

  /** Does all that the page says. @returns how many blocks that was */
  async follow(): Promise<number> {
    for (const block of this.blocks) await this.do(block);
    return this.blocks.length;
  }

  /** The text as this test has it: with its own ports and folders. */
  adapted(text: string): string {
    const words = Object.keys(this.changes).map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return text.replaceAll(new RegExp(words.join('|'), 'g'), (word) => this.changes[word]);
  }

  async end(): Promise<void> {
    for (const server of this.servers) {
      const isGone = () => server.exitCode !== null || server.signalCode !== null || undefined;
      if (isGone()) continue;
      // Its shell, npm and all below: the whole group.
      process.kill(-server.pid!, 'SIGTERM');
      await eventually(isGone, 'the end of a server', END_WITHIN_MS).catch(() => process.kill(-server.pid!, 'SIGKILL'));
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async do({ language, marks, text }: Block): Promise<void> {
    const [title, listens, opens] = ['title', 'listens', 'opens'].map((name) => marks.get(name));
    if (title) this.write(title, this.adapted(text));
    else if (language === 'text') this.compare(this.adapted(text));
    else if (language !== 'sh') throw new Error(`Nobody knows what to do with a block of ${language || 'nothing'}.`);
    else if (listens) await this.serve(this.adapted(text), listens);
    else this.printed = await this.run(this.adapted(text));
    if (opens) await this.answers(opens);
  }

  private write(title: string, text: string): void {
    const file = resolve(this.folder, this.adapted(title));
    if (file === title) throw new Error(`${title} is the machine's own: give it another place in \`changes\`.`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  private spawn(script: string): ChildProcess {
    const env = { ...this.env, PATH: `${this.bin}:${process.env['PATH']}:/usr/sbin`, HOME: this.folder };
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
    return spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd: this.folder, env, stdio, detached: true });
  }

  private async serve(command: string, port: string): Promise<void> {
    const server = this.spawn(`. ./.exported\n${command}`);
    for (const stream of [server.stdout!, server.stderr!])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.servers.push(server);
    await this.answers(port);
  }

  private async run(commands: string): Promise<string> {
    const shell = this.spawn(`. ./.exported\ntrap 'export -p >.exported' EXIT\n${commands}`);
    let [printed, complaints] = ['', ''];
    shell.stdout!.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    shell.stderr!.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    const timer = setTimeout(() => process.kill(-shell.pid!, 'SIGKILL'), PATIENCE_MS);
    const code = await new Promise((ended) => shell.once('close', (status, signal) => ended(status ?? signal)));
    clearTimeout(timer);
    if (code !== 0)
      throw new Error(`${commands}ended with ${String(code)}.\n${printed}${complaints}\nServers:\n${this.output}`);
    return printed;
  }

  /** Compares what was printed with what the page says is printed. */
  private compare(expected: string): void {
    const escaped = expected.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const pattern = new RegExp(`^${escaped.replaceAll('…', '[\\s\\S]*')}$`);
    if (!pattern.test(this.printed.trim()))
      throw new Error(`The page says:\n${expected}\nand this is printed:\n${this.printed}\nServers:\n${this.output}`);
  }

  private async answers(port: string): Promise<void> {
    const isOpen = () =>
      new Promise<true | undefined>((found) => {
        const socket = connect(Number(this.adapted(port)), '127.0.0.1', () => {
          found(true);
          socket.destroy();
        });
        socket.once('error', () => found(undefined));
      });
    const what = `Port ${port} of the page`;
    await eventually(isOpen, what, PATIENCE_MS).catch((error: Error) => {
      throw new Error(`${error.message}. Servers:\n${this.output}`);
    });
  }
}
