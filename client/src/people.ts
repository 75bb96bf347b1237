import type { Core } from './core.js';
import { hasSameFields, Value, type Store, type Until } from './store.js';
import type { User } from './data.js';
import type { Rows } from './types.js';
import type { WirePresence, WireUser, WireUserUpdate } from './wire.js';

/** Those who are asked for one by one come together in one request. */
const GATHER_MS = 20;
const MOST_AT_ONCE = 100;

/** Everybody of whom this client has heard: names, and who is online. One store for each, which is the same for ever. */
export class People {
  readonly blocked = new Value<readonly User[]>([]);
  private readonly known = new Map<number, Value<User | undefined>>();
  /** Known from rows that do not say when they were last here. */
  private readonly partly = new Set<number>();
  private wanted = new Set<number>();
  /** The server was asked for them, and has nobody of this number. */
  readonly nobody = new Set<number>();
  private isGathering = false;
  private blockedTurn = 0;

  constructor(private readonly core: Core) {}

  /** Somebody of whom nothing is known yet is asked for. */
  get(id: number): Store<User | undefined> {
    const value = this.of(id);
    if (!value.get()) this.want(id);
    return value;
  }

  /** Somebody who is looked at: when they were last here is asked for, unless it is known. */
  look(id: number): void {
    if (this.partly.has(id)) this.want(id);
  }

  /** Without asking. */
  peek(id: number): User | undefined {
    return this.known.get(id)?.get();
  }

  isBlocked(id: number): boolean {
    return this.blocked.get().some((user) => user.id === id);
  }

  put(row: WireUser): User {
    const value = this.of(row.id);
    const old = value.get();
    this.nobody.delete(row.id);
    if (row.last_seen === undefined) this.partly.add(row.id);
    else this.partly.delete(row.id);
    const next: User = Object.freeze({
      id: row.id,
      first_name: row.first_name,
      last_name: row.last_name,
      is_online: row.is_online,
      // Lists of rooms do not say it.
      last_seen: row.last_seen === undefined ? (old?.last_seen ?? null) : row.last_seen,
    });
    if (old && hasSameFields(old, next)) return old;
    value.set(next);
    this.core.bump();
    return next;
  }

  presence(changes: readonly WirePresence[]): void {
    for (const { user_id, is_online, last_seen } of changes) {
      const old = this.peek(user_id);
      if (old) this.put({ ...old, is_online, last_seen });
    }
  }

  update(row: WireUserUpdate): void {
    if (!('deleted' in row)) {
      this.put(row);
      return;
    }
    const old = this.peek(row.id);
    // As the server calls those who are gone.
    if (old) this.put({ id: row.id, first_name: 'deleted', last_name: 'user', is_online: false, last_seen: null });
    this.blocked.set(this.blocked.get().filter(({ id }) => id !== row.id));
  }

  setBlocked(rows: readonly WireUser[]): void {
    this.blocked.set(rows.map((row) => this.put(row)));
    this.core.bump();
  }

  async block(id: number): Promise<void> {
    await this.core.http.ask('PUT', `users/${id}/block`);
    await this.blockedNow(id, true);
  }

  async unblock(id: number): Promise<void> {
    await this.core.http.ask('DELETE', `users/${id}/block`);
    await this.blockedNow(id, false);
  }

  /** Holds at once, also where the list cannot be read now. */
  private async blockedNow(id: number, isBlocked: boolean): Promise<void> {
    const others = this.blocked.get().filter((user) => user.id !== id);
    const user = this.peek(id);
    this.blocked.set(isBlocked && user ? [...others, user] : others);
    this.core.bump();
    await this.readBlocked();
  }

  async readBlocked(): Promise<void> {
    const turn = ++this.blockedTurn;
    const rows = await this.core.read<WireUser>('users/blocked');
    if (rows && turn === this.blockedTurn) this.setBlocked(rows);
  }

  async find(query = '', options?: Until, cursor?: string): Promise<Rows<User>> {
    const { body, next } = await this.core.http.request<WireUser[]>('GET', 'users', {
      query: { query: query.trim() || undefined, cursor },
      signal: options?.signal,
    });
    const rows = Object.freeze(body.map((row) => this.put(row)));
    return Object.freeze({ rows, ...(next && { next: (more?: Until) => this.find(query, more, next) }) });
  }

  /** Somebody else is signed in, to whom others look different. */
  forget(): void {
    this.wanted.clear();
    this.nobody.clear();
    this.partly.clear();
    for (const value of this.known.values()) value.set(undefined);
    this.blocked.set([]);
  }

  private of(id: number): Value<User | undefined> {
    let value = this.known.get(id);
    if (!value) this.known.set(id, (value = new Value<User | undefined>(undefined)));
    return value;
  }

  private want(id: number): void {
    if (!Number.isInteger(id) || id < 1) return;
    this.wanted.add(id);
    if (this.isGathering) return;
    this.isGathering = true;
    this.core.clock.after(GATHER_MS, () => void this.fetch());
  }

  private async fetch(): Promise<void> {
    this.isGathering = false;
    const { core } = this;
    // They stay wanted until there is a connection.
    if (!core.link.isOpen) return;
    const isCurrent = core.guard();
    // Lists may have named them meanwhile.
    for (const id of this.wanted) if (this.peek(id) && !this.partly.has(id)) this.wanted.delete(id);
    const ids = [...this.wanted].slice(0, MOST_AT_ONCE);
    for (const id of ids) this.wanted.delete(id);
    if (ids.length === 0) return;
    try {
      const rows = await core.http.ask<WireUser[]>('GET', 'users', { query: { ids: ids.join(',') } });
      if (!isCurrent()) return;
      for (const id of ids) this.nobody.add(id);
      for (const row of rows) this.put(row);
      core.bump();
    } catch (error) {
      core.log('debug', 'Names could not be fetched.', { error: String(error) });
    }
    if (this.wanted.size > 0) this.again();
  }

  /** Connected: who is wanted still is asked for. */
  again(): void {
    const [id] = this.wanted;
    if (id !== undefined) this.want(id);
  }
}

export const nameOf = ({ first_name, last_name }: { first_name: string; last_name: string }): string =>
  `${first_name} ${last_name}`.trim();
