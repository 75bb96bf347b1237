import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../../common/timing/backoff.js';
import { nameOf, type RedisAddress, type RedisUrl } from '../../config/redis-url.js';
import { slotOf, SLOTS } from './key-slot.js';
import { connected, destroy, inTime, newClient } from './redis-client.js';
import type { RedisLink } from './redis-link.js';

/** How often the servers are asked who has which slots. */
const LOOK_EVERY_MS = 1_000;
/** Also where something says that they have moved, not sooner than this after the last time. */
const LOOK_AFTER_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** Servers that are asked at once. A majority of them knows what is newest. */
const ASKED_AT_ONCE = 5;
/** A server that takes longer is not waited for: it may be paused. */
const LOOK_WITHIN_MS = 1_000;
/** Addresses that are remembered, for when no master of those known answers. */
const MOST_REMEMBERED = 100;

/** What one server says: who has which slots, and since when, in the count of the cluster's decisions. */
interface View {
  readonly ranges: readonly { from: number; to: number; master: RedisAddress; epoch: number }[];
  /** Replicas, too. */
  readonly servers: readonly RedisAddress[];
}

/** A connection to each master of a Redis Cluster. Follows its slots, wherever they move: to a replica that takes over, or by hand. */
export class RedisCluster {
  /** Why nobody says who has which slots. */
  trouble: unknown;
  /** By address. */
  private readonly links = new Map<string, RedisLink>();
  /** By slot. */
  private owners: (RedisLink | undefined)[] = [];
  private servers: readonly RedisAddress[];
  private isClosed = false;
  private wake: () => void = () => undefined;

  /** @param moved called when slots have other connections than before, with those that were closed */
  constructor(
    private readonly url: RedisUrl,
    private readonly newLink: (master: RedisAddress) => RedisLink,
    private readonly moved: (closed: readonly RedisLink[]) => void,
  ) {
    this.servers = url.addresses;
  }

  open(): void {
    void this.follow();
  }

  close(): void {
    this.isClosed = true;
    this.wake();
    for (const link of this.links.values()) link.close();
  }

  all(): readonly RedisLink[] {
    return [...this.links.values()];
  }

  /** Undefined where nobody has the slot. */
  linkOf(name: string): RedisLink | undefined {
    return this.owners[slotOf(name)];
  }

  private async follow(): Promise<void> {
    const backoff = new Backoff(LOOK_AFTER_MS, LONGEST_PAUSE_MS);
    while (!this.isClosed) {
      const woken = new Promise<void>((resolve) => (this.wake = resolve));
      const views = await this.look();
      if (this.isClosed) return;
      if (views.length > 0) {
        backoff.reset();
        this.apply(views);
      }
      await sleep(views.length > 0 ? LOOK_AFTER_MS : backoff.next(), undefined, { ref: false });
      const pause = LOOK_EVERY_MS * (0.75 + Math.random() / 2) - LOOK_AFTER_MS;
      if (views.length > 0) await Promise.race([woken, sleep(pause, undefined, { ref: false })]);
    }
  }

  /** Asks masters over the connections that are there; where none answers, all servers that were ever named. */
  private async look(): Promise<View[]> {
    const links = some([...this.links].filter(([, { isUp }]) => isUp));
    const views = await this.viewsOf(links, ([address, link]) =>
      viewOf((command) => link.ask(command), hostOf(address)),
    );
    if (views.length > 0) return views;
    return this.viewsOf(some([...this.url.addresses, ...this.servers]), async (address) => {
      const client = newClient(address, this.url);
      await connected(client);
      try {
        return await viewOf((command) => inTime(client.sendCommand(command)), address.host);
      } finally {
        destroy(client);
      }
    });
  }

  private async viewsOf<T>(sources: readonly T[], viewed: (source: T) => Promise<View>): Promise<View[]> {
    const views: View[] = [];
    const asked = sources.map((source) =>
      viewed(source).then(
        (view) => void views.push(view),
        (error) => void (this.trouble = error),
      ),
    );
    const all = Promise.all(asked).then(() => undefined);
    await inTime(all, LOOK_WITHIN_MS).catch(() => undefined);
    // All of them, too, where none was in time.
    if (views.length === 0) await all;
    return [...views];
  }

  private apply(views: readonly View[]): void {
    const masters = Array.from<string | undefined>({ length: SLOTS });
    const epochs = new Float64Array(SLOTS).fill(-1);
    const addresses = new Map<string, RedisAddress>();
    for (const { ranges } of views)
      for (const { from, to, master, epoch } of ranges) {
        const name = nameOf(master);
        addresses.set(name, master);
        for (let slot = from; slot <= to; slot++) {
          // A server that was cut off for a while tells what was.
          if (epoch <= epochs[slot]!) continue;
          [masters[slot], epochs[slot]] = [name, epoch];
        }
      }
    // A cluster that is being made, or was emptied, has nothing yet that it could take over.
    if (!masters.some((name) => name !== undefined)) return;
    this.remember(views.flatMap(({ servers }) => servers));
    for (const name of new Set(masters))
      if (name !== undefined && !this.links.has(name)) this.links.set(name, this.linkTo(addresses.get(name)!));
    const owners = masters.map((name) => (name === undefined ? undefined : this.links.get(name)));
    let isMoved = false;
    for (let slot = 0; slot < SLOTS; slot++) isMoved ||= owners[slot] !== this.owners[slot];
    if (!isMoved) return;
    this.owners = owners;
    const used = new Set(owners);
    const unused = [...this.links].filter(([, link]) => !used.has(link));
    for (const [name, link] of unused) {
      this.links.delete(name);
      link.close();
    }
    this.moved(unused.map(([, link]) => link));
  }

  private linkTo(master: RedisAddress): RedisLink {
    const link = this.newLink(master);
    link.onDown(() => this.wake());
    link.onStray(() => this.wake());
    link.open();
    return link;
  }

  private remember(servers: readonly RedisAddress[]): void {
    const known = new Map(servers.map((server) => [nameOf(server), server]));
    this.servers = [...known.values()].slice(0, MOST_REMEMBERED);
  }
}

type Server = [endpoint: string | null, port: number, id: string];
type Range = [from: number, to: number, master: Server, ...replicas: Server[]];

/** @param host through which the server was reached: it may not know its own address */
async function viewOf(ask: (command: string[]) => Promise<unknown>, host: string): Promise<View> {
  const [slots, nodes] = await Promise.all([ask(['CLUSTER', 'SLOTS']), ask(['CLUSTER', 'NODES'])]);
  const known = new Map(
    String(nodes)
      .split('\n')
      .map((line) => line.split(' '))
      .map(([id, at = '', , , , , epoch]) => [id, { ip: /^(.*):\d+(@|$)/.exec(at)?.[1], epoch: Number(epoch) }]),
  );
  const addressOf = ([endpoint, port, id]: Server): RedisAddress => ({
    host: (endpoint === '?' ? '' : endpoint) || known.get(id)?.ip || host,
    port,
  });
  const ranges = slots as Range[];
  return {
    ranges: ranges.map(([from, to, master]) => ({
      from,
      to,
      master: addressOf(master),
      epoch: known.get(master[2])?.epoch || 0,
    })),
    servers: ranges.flatMap(([, , ...servers]) => servers.map(addressOf)),
  };
}

const hostOf = (name: string): string => name.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

/** Some of them, whichever. */
function some<T>(all: readonly T[]): T[] {
  const rest = [...all];
  const picked: T[] = [];
  while (picked.length < ASKED_AT_ONCE && rest.length > 0)
    picked.push(...rest.splice(Math.floor(Math.random() * rest.length), 1));
  return picked;
}
