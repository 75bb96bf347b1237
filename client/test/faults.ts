import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ParleyClient } from '../src/client.js';
import { ParleyError } from '../src/errors.js';
import { memoryStorage } from '../src/storage.js';
import { when } from '../src/store.js';
import { socketIo } from '../src/transport.js';
import type { ChatRef, Item } from '../src/data.js';
import type { ParleyStorage, Tabs } from '../src/seams.js';
import type { Attached, Chat } from '../src/types.js';
import { call, eventually } from '../../test/support/client.js';
import { ServerProcess } from '../../test/support/server-process.js';
import { BadNetwork } from './support/bad-network.js';
import { Life, randomOf } from './support/life.js';
import { sharedTabs } from './support/shared-tabs.js';

/*
 * Three people on four clients (one has two tabs) talk over a network that loses, doubles, delays and cuts, with a server that is
 * killed, clients that are killed and come back, and sessions that end. When all is mended: every message that was accepted is on every
 * client once, in the order in which its sender sent it, every count equals the server's, and nothing waits.
 */

interface Account {
  id: number;
  email: string;
  password: string;
  storage: ParleyStorage;
  tabs: (() => Tabs) | undefined;
}

/** A text that somebody sent: it is stored once, and behind those that the same tab sent before in the same chat. */
interface Sent {
  text: string;
  tab: Tab;
  chat: string;
  outcome: 'open' | 'stored' | 'refused';
}

class Tab {
  life = new Life();
  client!: ParleyClient;
  readonly network: BadNetwork;
  views = new Map<string, Attached>();

  constructor(
    readonly name: string,
    readonly account: Account,
    readonly world: World,
  ) {
    this.network = new BadNetwork(world.random);
  }

  /** A page is loaded, or a program starts: what the storage knows is there. */
  async start(): Promise<void> {
    const { account, world, network } = this;
    this.life = new Life();
    this.views = new Map();
    this.client = new ParleyClient(
      world.server.url,
      this.life.options({
        storage: account.storage,
        transport: network.transport(socketIo),
        fetch: network.fetch(fetch),
        ...(account.tabs && { tabs: account.tabs() }),
      }),
    );
    this.client.on('error', (error) =>
      world.errors.push(
        `${this.name}: ${error.code} ${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`,
      ),
    );
    await this.client.resume();
    await this.login();
  }

  /** A person tries some times; while the network is down, later. */
  async login(): Promise<void> {
    const { life, client, account } = this;
    for (let tries = 0; tries < 5 && !life.isOver && client.auth.get().status !== 'signed_in'; tries++) {
      await client.login(account.email, account.password).catch((error: unknown) => {
        if (!ParleyError.is(error) || (!error.retryable && error.code !== 'signed_out')) throw error;
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** As by kill -9. */
  kill(): void {
    this.life.end();
  }

  chat(ref: ChatRef): Chat {
    return this.client.chat(ref);
  }
}

class World {
  readonly random: () => number;
  server!: ServerProcess;
  readonly env: Record<string, string>;
  readonly sent: Sent[] = [];
  readonly errors: string[] = [];
  readonly log: string[] = [];
  accounts: Account[] = [];
  tabs: Tab[] = [];
  group = 0;
  private count = 0;
  readonly folder = mkdtempSync(join(tmpdir(), 'parley-faults-'));

  constructor(readonly seed: number) {
    this.random = randomOf(seed);
    this.env = { DATA_DIR: this.folder, RATE_LIMITS: 'off', LOG_LEVEL: 'error' };
  }

  note(text: string): void {
    this.log.push(text);
    if (process.env['FAULTS_VERBOSE']) console.log(`${this.seed}: ${text}`);
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)];
  }

  async begin(): Promise<void> {
    this.server = await ServerProcess.start(this.env);
    for (const name of ['Ada', 'Alan', 'Grace']) {
      const email = `${name.toLowerCase()}@example.com`;
      const password = 'correct horse battery';
      await call(this.server, 'POST', '/http/register', {
        body: { email, password, first_name: name, last_name: 'L' },
      });
      const mail = await eventually(async () => {
        const { body } = await call(this.server, 'GET', '/dev/mail');
        return (body as { to: string; links: string[] }[]).find(({ to }) => to === email);
      }, 'the mail');
      await call(this.server, 'GET', new URL(mail.links[0]).pathname);
      const { body } = await call(this.server, 'POST', '/http/login', { body: { email, password } });
      const { body: me } = await call(this.server, 'GET', '/http/users/profile', { token: body.token });
      const tabs = name === 'Ada' ? sharedTabs() : undefined;
      this.accounts.push({ id: me.id, email, password, storage: memoryStorage(), tabs });
    }
    const [ada, alan, grace] = this.accounts as [Account, Account, Account];
    const { body: login } = await call(this.server, 'POST', '/http/login', {
      body: { email: ada.email, password: ada.password },
    });
    const made = await call(this.server, 'POST', '/http/chat_groups', {
      token: login.token,
      body: { chat_group_name: 'Engines' },
    });
    this.group = made.body.id;
    for (const { id } of [alan, grace])
      await call(this.server, 'POST', `/http/chat_groups/${this.group}/members`, {
        token: login.token,
        body: { user_id: id },
      });
    this.tabs = [
      new Tab('Ada 1', ada, this),
      new Tab('Ada 2', ada, this),
      new Tab('Alan', alan, this),
      new Tab('Grace', grace, this),
    ];
    await Promise.all(this.tabs.map((tab) => tab.start()));
    for (const tab of this.tabs)
      await when(tab.client.connection, (c) => c.synced, { signal: AbortSignal.timeout(20_000) });
  }

  refs(tab: Tab): ChatRef[] {
    const others = this.accounts.filter(({ id }) => id !== tab.account.id);
    return [
      ...others.map(({ id }): ChatRef => ({ type: 'room', user_id: id })),
      { type: 'group', group_id: this.group },
    ];
  }

  send(tab: Tab, ref: ChatRef): void {
    const chat = tab.chat(ref);
    const sent: Sent = { text: `${++this.count} by ${tab.name}`, tab, chat: chat.key, outcome: 'open' };
    const sending = chat.send(sent.text);
    const item = chat.timeline.get();
    const { life } = tab;
    sending.then(
      () => (sent.outcome = 'stored'),
      (error: ParleyError) => {
        // It waits for its user still.
        if (error.code === 'signed_out' || life.isOver) return;
        // In another tab it was seen to be sent; what becomes of it is looked at in the end.
        if (error.code === 'discarded' && tab.account.tabs) return;
        sent.outcome = 'refused';
        this.note(`refused: ${sent.text}: ${error.code}`);
      },
    );
    void item;
    // A message that is not in the outbox by now was never accepted.
    if (tab.client.auth.get().status === 'signed_in') this.sent.push(sent);
    this.note(`${tab.name} sends to ${chat.key}: ${sent.text}`);
  }

  async act(): Promise<void> {
    const tab = this.pick(this.tabs);
    const ref = this.pick(this.refs(tab));
    const chat = tab.chat(ref);
    const dice = this.random();
    if (dice < 0.5) this.send(tab, ref);
    else if (dice < 0.6) {
      if (tab.views.has(chat.key)) {
        tab.views.get(chat.key)!.detach();
        tab.views.delete(chat.key);
      } else tab.views.set(chat.key, chat.attach());
    } else if (dice < 0.7) {
      const last = chat.timeline.get().items.findLast((item) => item.kind === 'message' && item.seq !== undefined);
      if (last?.kind === 'message') chat.seen(last.seq!);
    } else if (dice < 0.8) {
      const mine = chat.timeline
        .get()
        .items.filter((item) => item.kind === 'message' && item.mine && item.seq !== undefined && !item.deleted);
      const item = mine.length > 0 ? this.pick(mine) : undefined;
      if (item?.kind === 'message')
        await (this.random() < 0.5 ? chat.edit(item.seq!, `${item.message}!`) : chat.delete(item.seq!)).catch(() => {});
    } else if (dice < 0.86) {
      this.note(`${tab.name} is cut`);
      tab.network.cut();
    } else if (dice < 0.9) {
      const { network } = tab;
      network.isDown = !network.isDown;
      this.note(`${tab.name}'s network is ${network.isDown ? 'down' : 'up'}`);
      network.cut();
    } else if (dice < 0.95) {
      worsen(tab, this.random);
    } else if (dice < 0.98) {
      this.note(`${tab.name} is killed`);
      tab.kill();
      await tab.start();
    } else if (dice < 0.99) {
      this.note(`all sessions of ${tab.account.email} end`);
      const { email, password } = tab.account;
      const { body } = await call(this.server, 'POST', '/http/login', { body: { email, password } }).catch(() => ({
        body: undefined,
      }));
      if (body?.token) await call(this.server, 'DELETE', '/http/sessions', { token: body.token }).catch(() => {});
      for (const one of this.tabs) if (one.account === tab.account) await one.login();
    } else {
      this.note('the server is killed');
      await this.server.kill();
      this.server = await ServerProcess.restart(this.server, this.env);
    }
    await new Promise((resolve) => setTimeout(resolve, this.random() * 40));
  }

  /** The network is mended, and everything has time to heal. */
  async heal(): Promise<void> {
    this.note('healing');
    for (const { network } of this.tabs) {
      network.isDown = false;
      network.faults = { lose: 0, double: 0, delayMs: 0 };
      // What was lost on a connection that seemed whole is found with the next.
      network.cut();
    }
    for (const tab of this.tabs) {
      await eventually(
        async () => {
          // A session that ended while the network was down is heard of now.
          await tab.login();
          tab.client.retryNow();
          return tab.client.connection.get().synced || undefined;
        },
        `${tab.name} in sync`,
        60_000,
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}: ${JSON.stringify(tab.client.connection.get())}`);
      });
      for (const ref of this.refs(tab))
        if (!tab.views.has(tab.chat(ref).key)) tab.views.set(tab.chat(ref).key, tab.chat(ref).attach());
    }
    const signal = AbortSignal.timeout(60_000);
    for (const { client, name } of this.tabs)
      await when(client.waiting, ({ queued }) => queued === 0, { signal }).catch(() => {
        throw new Error(`${name} still waits: ${JSON.stringify(client.waiting.get())}`);
      });
  }

  async check(): Promise<void> {
    const truths = new Map<
      string,
      { seq: number; message: string; user_id: number; deleted?: true; client_id?: string }[]
    >();
    for (const tab of this.tabs) {
      const { email, password } = tab.account;
      const { body } = await call(this.server, 'POST', '/http/login', { body: { email, password } });
      const token = body.token as string;
      const rooms = (await call(this.server, 'GET', '/http/chat_rooms', { token })).body as {
        id: number;
        other_user: { id: number };
      }[];
      for (const ref of this.refs(tab)) {
        const chat = tab.chat(ref);
        const where = `${tab.name}, ${chat.key}`;
        const path =
          ref.type === 'group'
            ? `chat_groups/${this.group}`
            : `chat_rooms/${rooms.find((r) => ref.type === 'room' && r.other_user.id === ref.user_id)?.id ?? 0}`;
        const all = [];
        for (let after = 0; ;) {
          const { body: page } = await call(this.server, 'GET', `/http/${path}?after=${after}`, { token });
          if (!Array.isArray(page) || page.length === 0) break;
          all.push(...page);
          after = page.at(-1).seq;
        }
        truths.set(`${tab.account.id} ${chat.key}`, all);
        const wanted = all.map(({ seq, message, deleted }) => `${seq} ${deleted ? '' : message}`);
        await eventually(
          async () => {
            if (!chat.timeline.get().at_end) await chat.jumpTo('end').catch(() => {});
            await chat.loadOlder().catch(() => {});
            const now = stored(chat.timeline.get().items);
            return (now.length === wanted.length && now.every((text, n) => text === wanted[n])) || undefined;
          },
          where,
          30_000,
        ).catch(() => {
          const now = stored(chat.timeline.get().items);
          const n = wanted.findIndex((text, at) => text !== now[at]);
          const { items, ...rest } = chat.timeline.get();
          throw new Error(
            `${where}: ${now.length} shown, ${wanted.length} stored; first difference at ${n}: ${now[n]} against ${wanted[n]}; ${JSON.stringify(rest)} ${JSON.stringify(items.at(-1))}`,
          );
        });
        const strange = chat.timeline.get().items.filter((item) => item.kind === 'message' && item.state !== 'stored');
        if (strange.length > 0) throw new Error(`${where}: not stored: ${JSON.stringify(strange)}`);
        const keys = chat.timeline.get().items.map(({ key }) => key);
        if (new Set(keys).size !== keys.length) throw new Error(`${where}: a key stands twice`);
      }
      await eventually(
        async () => {
          const lists = [
            ...((await call(this.server, 'GET', '/http/chat_rooms', { token })).body as any[]).map((r) => [
              `room:${r.other_user.id}`,
              r.unread_count,
            ]),
            ...((await call(this.server, 'GET', '/http/chat_groups', { token })).body as any[]).map((g) => [
              `group:${g.id}`,
              g.unread_count,
            ]),
          ];
          const rows = new Map(tab.client.inbox.get().rows.map((row) => [row.key, row.unread]));
          return lists.every(([key, unread]) => (rows.get(key as string) ?? 0) === unread) || undefined;
        },
        `${tab.name}'s counts`,
        20_000,
      );
    }
    this.checkSent(truths);
  }

  /** Each text once, and those of one tab in one chat in order. */
  private checkSent(
    truths: ReadonlyMap<string, { seq: number; message: string; user_id: number; deleted?: true }[]>,
  ): void {
    const places = new Map<string, number>();
    for (const [key, all] of truths)
      for (const { seq, message, deleted } of all) {
        if (deleted) continue;
        const text = `${key} ${message.replace(/!+$/, '')}`;
        if (places.has(text)) throw new Error(`stored twice: ${text}`);
        places.set(text, seq);
      }
    const last = new Map<string, number>();
    for (const { text, tab, chat, outcome } of this.sent) {
      const seq = places.get(`${tab.account.id} ${chat} ${text}`);
      const deleted = (truths.get(`${tab.account.id} ${chat}`) ?? []).some((one) => one.deleted);
      if (outcome === 'refused') continue;
      if (seq === undefined) {
        if (!deleted) throw new Error(`lost: ${text} in ${chat} (${outcome})`);
        continue;
      }
      const before = last.get(`${tab.name} ${chat}`) ?? 0;
      if (seq < before) throw new Error(`out of order: ${text} in ${chat}`);
      last.set(`${tab.name} ${chat}`, seq);
    }
  }

  async end(): Promise<void> {
    for (const tab of this.tabs) tab.kill();
    await this.server.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function worsen(tab: Tab, random: () => number): void {
  tab.network.faults =
    random() < 0.4
      ? { lose: 0, double: 0, delayMs: 0 }
      : { lose: random() * 0.2, double: random() * 0.3, delayMs: random() * 120 };
}

const stored = (items: readonly Item[]): string[] =>
  items.flatMap((item) =>
    item.kind === 'message' && item.state === 'stored' ? [`${item.seq} ${item.deleted ? '' : item.message}`] : [],
  );

/** Whatever waits for so long waits for ever. */
const WITHIN_MS = 170_000;

/** One world, from its beginning to its check. @throws what is wrong, with what happened before */
export async function faultyWorld(seed: number, actions: number): Promise<{ sent: number; errors: string[] }> {
  const world = new World(seed);
  let doing = 'begin';
  const story = async (): Promise<void> => {
    await world.begin();
    for (let n = 0; n < actions; n++) {
      doing = `action ${n}`;
      await world.act();
    }
    doing = 'heal';
    await world.heal();
    doing = 'check';
    await world.check();
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`hangs in ${doing}`)), WITHIN_MS);
  });
  try {
    await Promise.race([story(), late]);
    return { sent: world.sent.length, errors: world.errors };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const states = world.tabs.map(({ name, client }) =>
      JSON.stringify([name, client.auth.get(), client.connection.get(), client.waiting.get()]),
    );
    const before = [...world.errors.slice(-10), ...states, ...world.log.slice(-60)].join('\n');
    throw new Error(`Seed ${seed}, ${actions} actions: ${text}\n${before}`, { cause: error });
  } finally {
    clearTimeout(timer);
    await world.end();
  }
}
