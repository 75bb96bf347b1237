/// <reference lib="esnext.disposable" preserve="true" />
import { realClock } from './clock.js';
import { Core } from './core.js';
import { ParleyError } from './errors.js';
import { incoming } from './incoming.js';
import { browserPage } from './page.js';
import { defaultStorage, memoryStorage, sessionStore } from './storage.js';
import { onLook, Value, type Store, type Unsubscribe, type Until } from './store.js';
import { browserTabs, soleTab } from './tabs.js';
import { socketIo } from './transport.js';
import type { ChatRef, Inbox, Me, Mention, Message, Session, User } from './data.js';
import type { ParleyStorage } from './seams.js';
import type { Auth, Bot, Chat, Connection, Events, Group, ParleyOptions, Room, Rows, ServerInfo } from './types.js';
import type { WireGroup } from './wire.js';

/** Who was signed in, and the token of the session. */
interface Kept {
  readonly token: string;
  readonly me: Me;
}

/** Who was signed in last, for the next login; and whether something of theirs waits. */
interface Last {
  readonly id: number;
  readonly email: string;
}

interface TabNews {
  readonly about: 'session';
  /** Nobody is signed in any more; otherwise somebody is. */
  readonly ended?: number;
}

/**
 * One user's chats on one server. It does nothing until somebody signs in: no socket, timer, listener or storage.
 *
 *     const parley = new ParleyClient('https://chat.example.com');
 *     await parley.login('ada@example.com', 'correct horse');
 *     await parley.room(2).send('Hello, Alan');
 */
export class ParleyClient implements AsyncDisposable {
  /** Undefined until it has answered; asked for on the first look, with each login, and some time after each connection. */
  readonly server: Store<ServerInfo | undefined>;
  readonly auth: Store<Auth>;
  readonly connection: Store<Connection>;
  readonly inbox: Store<Inbox>;
  /** Messages that wait or failed, in all chats and tabs: "2 messages will be sent when you are back". */
  readonly waiting: Store<{ readonly queued: number; readonly failed: number }>;

  private readonly core: Core;
  private readonly authValue = new Value<Auth>({ status: 'unknown' });
  private readonly session: ParleyStorage;
  private endTabs: Unsubscribe | undefined;
  /** Of several logins, logouts and resumptions at once the last one counts. */
  private turn = 0;

  /** Without a URL: the page's own origin. One with a path leads below it: `https://example.com/chat/`. */
  constructor(url?: string | URL, options: ParleyOptions = {}) {
    const page = options.page === undefined ? browserPage() : options.page;
    const base = new URL(url ?? globalThis.location?.origin ?? missingUrl());
    if (!base.pathname.endsWith('/')) base.pathname += '/';
    base.search = base.hash = '';
    const { tabs, storage, log = () => {} } = options;
    // Tabs share what they remember, and nothing where each has its own storage.
    const isShared = tabs !== undefined ? tabs !== null : page !== null && storage === undefined;
    this.core = new Core({
      url: base.href,
      storage:
        storage ??
        defaultStorage('parley', (error) => log('warn', 'Nothing outlives this page.', { error: String(error) })),
      transport: options.transport ?? socketIo,
      transports: options.transports ?? ['websocket', 'polling'],
      fetch: options.fetch ?? ((...args) => fetch(...args)),
      tabs: tabs ?? (isShared ? browserTabs('parley', page) : soleTab()),
      isShared,
      page,
      clock: options.clock ?? realClock,
      random: options.random ?? Math.random,
      log,
      onEnded: (reason) => void this.ended(reason),
      onMe: (me) => this.authValue.set({ status: 'signed_in', me }),
    });
    this.session = page ? sessionStore() : memoryStorage();
    this.server = onLook(this.core.server, () => this.core.server.look());
    this.auth = this.authValue;
    this.connection = this.core.link.state;
    this.inbox = this.core.inbox.store;
    this.waiting = this.core.outbox.waiting;
  }

  /* -------------------------------------------------------------------------------------------------------------- Accounts */

  /** @param person with the token of an invitation, where the server takes not everybody @throws ParleyError as `registration` of the server says */
  async register(person: {
    email: string;
    password: string;
    first_name: string;
    last_name: string;
    invite?: string | undefined;
  }): Promise<void> {
    await this.core.http.ask('POST', 'register', { body: person, token: null });
  }

  /** With the password of the registration, or with the token of its expired link. */
  async resendConfirmation(which: { email: string; password: string } | { registration_token: string }): Promise<void> {
    const body = 'email' in which ? which : { token: which.registration_token };
    await this.core.http.ask('POST', 'register/resend', { body, token: null });
  }

  async confirm(registration_token: string): Promise<{ readonly email: string }> {
    const path = `register/${encodeURIComponent(registration_token)}`;
    const { email } = await this.core.http.ask<{ email: string }>('GET', path, { token: null });
    return { email };
  }

  async forgotPassword(email: string): Promise<void> {
    await this.core.http.ask('POST', 'password/forgot', { body: { email }, token: null });
  }

  /** Changes nothing. @throws ParleyError `not_found`, `expired` */
  async checkReset(reset_token: string): Promise<void> {
    await this.core.http.ask('GET', `password/reset/${encodeURIComponent(reset_token)}`, { token: null });
  }

  async resetPassword(reset_token: string, password: string): Promise<void> {
    await this.core.http.ask('POST', 'password/reset', { body: { token: reset_token, password }, token: null });
  }

  /** Keeps the token, connects, syncs. `remember` false: until this tab is closed. A waiting outbox of the same user is sent. */
  async login(email: string, password: string, options: { remember?: boolean } = {}): Promise<Me> {
    const { token } = await this.core.http.ask<{ token: string }>('POST', 'login', {
      body: { email, password },
      token: null,
    });
    return this.take(token, options.remember ?? true);
  }

  /** From a token made elsewhere (bots: an environment variable). Offline it works from what `storage` remembers of it. */
  async useToken(token: string): Promise<Me> {
    const kept = await this.kept();
    return this.take(token, true, kept?.token === token ? kept.me : undefined);
  }

  /** After a reload, from storage; null where there is nothing. Answers from memory when offline. */
  async resume(): Promise<Me | null> {
    this.assertOpen();
    const turn = ++this.turn;
    const kept = await this.kept();
    if (turn !== this.turn) return this.core.me ?? null;
    if (kept && this.core.token === kept.token) return kept.me;
    if (kept) await this.become(kept.me, kept.token);
    else await this.signedOut();
    return kept?.me ?? null;
  }

  /** In all tabs. Cached messages are wiped; what waits is kept for this user unless `discard_waiting`. */
  async logout(options: { discard_waiting?: boolean } = {}): Promise<void> {
    const { core } = this;
    const { userId, token } = core;
    if (!userId || token === undefined) return;
    await this.leave(new ParleyError('signed_out', 'Logged out.'), false);
    if (options.discard_waiting) {
      await core.outbox.wipe(userId);
      await this.signedOut();
    }
    // The session ends with or without an answer; where the server is away, it ends when it expires, or from another device.
    await core.http.ask('POST', 'logout', { token, body: {} }).catch((error: unknown) => {
      core.log('warn', 'The server could not be told of the logout.', { error: String(error) });
    });
  }

  /** This client only: the session lives on. Resolves when the storage is written. */
  async close(): Promise<void> {
    if (this.core.isClosed) return;
    this.turn++;
    this.endTabs?.();
    await this.core.close();
    await this.session.close?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Ends the wait until `retry_at`, which browsers do on `online`, on becoming visible and on leaving the back/forward cache; and the one
   * after lists that could not be read (`inbox.error`).
   */
  retryNow(): void {
    this.core.link.retryNow();
    this.core.sync.retryNow();
  }

  readonly me = {
    /** A new password wants `current_password`, or else can be taken back by mail for 72 hours. It ends all other sessions. */
    update: async (change: {
      first_name?: string;
      last_name?: string;
      password?: string;
      current_password?: string;
    }): Promise<Me> => {
      const me = Object.freeze(await this.core.http.ask<Me>('PUT', 'users/profile', { body: change }));
      this.core.setMe(me);
      return me;
    },
    /** As the server has it now: on each connection it is read by itself. */
    read: async (): Promise<Me> => {
      const isCurrent = this.core.guard();
      const me = Object.freeze(await this.core.http.ask<Me>('GET', 'users/profile'));
      if (!isCurrent()) return me;
      this.core.setMe(me);
      this.core.keep('last', { id: me.id, email: me.email } satisfies Last);
      return me;
    },
    /** A mail with a link goes to the new address, and once that is used, it is this account's. @throws ParleyError `wrong_password`, `password_too_new` */
    changeEmail: async (email: string, password: string): Promise<void> => {
      await this.core.server.need('email_change');
      await this.core.http.ask('POST', 'users/profile/email', { body: { email, password } });
    },
    /**
     * What is one's own, as a zip file: once it is made, a mail leads to it, for 48 hours. Once a day.
     * @throws ParleyError `wrong_password`, `rate_limited`, `unsupported`
     */
    export: async (password: string): Promise<void> => {
      await this.core.server.need('export');
      await this.core.http.ask('POST', 'users/profile/export', { body: { password } });
    },
    /** For good, and everything of it on this device. */
    erase: async (password: string): Promise<void> => {
      const { userId } = this.core;
      await this.core.http.ask('DELETE', 'users/profile', { body: { password } });
      await this.core.storage.write(new Map([['last', undefined]]));
      await this.leave(new ParleyError('signed_out', 'The account was erased.'), false);
      await this.core.outbox.wipe(userId);
    },
  };

  readonly sessions = {
    list: async (): Promise<readonly Session[]> =>
      Object.freeze(await this.core.http.ask<Session[]>('GET', 'sessions')),
    end: (id: number): Promise<void> => this.core.http.ask('DELETE', `sessions/${id}`),
    endOthers: (): Promise<void> => this.core.http.ask('DELETE', 'sessions'),
  };

  /* ------------------------------------------------------------------------------------------------------- People and chats */

  readonly users = {
    get: (id: number): Store<User | undefined> => this.core.people.get(id),
    /** Those whose first or last name begins so; all without. Pages of at most 1,000. */
    find: (query?: string, options?: Until): Promise<Rows<User>> => this.core.people.find(query, options),
    blocked: late(() => this.core.people.blocked),
    block: (id: number): Promise<void> => this.core.people.block(id),
    unblock: (id: number): Promise<void> => this.core.people.unblock(id),
  };

  readonly groups = {
    /** Every group on the server, in the order of their ids. */
    all: late(() => this.core.groups.all),
    create: async (group: { name: string; is_private?: boolean }): Promise<Group> => {
      const body = { chat_group_name: group.name, is_private: group.is_private ?? false };
      const row = await this.core.http.ask<WireGroup>('POST', 'chat_groups', { body });
      const chat = this.core.chats.group(row.id);
      chat.bornAt = this.core.clock.now();
      chat.row(row);
      return chat;
    },
  };

  /** The same object for the same person; no message needs to exist yet. */
  room(user_id: number): Room {
    return this.core.chats.room(user_id);
  }

  group(group_id: number): Group {
    return this.core.chats.group(group_id);
  }

  get bot(): Bot {
    return this.core.chats.bot;
  }

  /** By its key or what it is about. @throws ParleyError `not_found` for what is no key */
  chat(ref: Extract<ChatRef, { type: 'room' }>): Room;
  chat(ref: Extract<ChatRef, { type: 'group' }>): Group;
  chat(ref: Extract<ChatRef, { type: 'bot' }>): Bot;
  chat(ref: ChatRef | string): Room | Group | Bot;
  chat(ref: ChatRef | string): Room | Group | Bot {
    return this.core.chats.get(ref);
  }

  /**
   * The newest messages that name this user or everyone, or answer one of this user's, in chats that they are in now: newest first, 100 in
   * a page; `until`: those just before that moment. Go on with `next` until a page has no rows. @throws ParleyError `unsupported`
   */
  mentions(options?: Until & { readonly until?: Date }): Promise<Rows<Mention>> {
    return this.core.mentions.find(options);
  }

  on<K extends keyof Events>(event: K, listener: (e: Events[K]) => void, options?: Until): Unsubscribe {
    return this.core.on(event, listener, options);
  }

  /**
   * For programs: every unread message of others, oldest first in each chat, then live ones. It counts as read when the loop asks for
   * the next, so after a crash the loop goes on where it was. Answer with `client_id: 're-' + message.seq` and nobody hears you twice.
   * Ends with the signal and with `close()`. @throws ParleyError `signed_out`
   */
  incoming(options?: Until): AsyncIterable<{ readonly chat: Chat; readonly message: Message }> {
    return incoming(this.core, options);
  }

  /* ------------------------------------------------------------------------------------------------------------ The session */

  private assertOpen(): void {
    if (this.core.isClosed) throw new ParleyError('closed', 'The client was closed.');
  }

  private async kept(): Promise<Kept | undefined> {
    const inTab = (await this.session.read('session')).get('session');
    return (inTab ?? (await this.core.storage.read('session')).get('session')) as Kept | undefined;
  }

  private async take(token: string, remember: boolean, known?: Me): Promise<Me> {
    this.assertOpen();
    const turn = ++this.turn;
    const { core } = this;
    const me = known ?? (await core.http.ask<Me>('GET', 'users/profile', { token }));
    if (turn !== this.turn) throw new ParleyError('signed_out', 'Another login or logout came after this one.');
    const previous = core.token;
    if (previous !== undefined && previous !== token) {
      await this.leave(new ParleyError('signed_out', 'Somebody signs in anew.'), false, core.userId !== me.id);
      core.http.ask('POST', 'logout', { token: previous, body: {} }).catch(() => {});
    }
    const kept: Kept = { token, me };
    const last: Last = { id: me.id, email: me.email };
    await this.session.write(new Map([['session', remember ? undefined : kept]]));
    await core.storage.write(
      new Map<string, unknown>([
        ['session', remember ? kept : undefined],
        ['last', last],
      ]),
    );
    await this.become(me, token);
    core.tabs.tell({ about: 'session' } satisfies TabNews);
    return me;
  }

  private async become(me: Me, token: string): Promise<void> {
    this.endTabs ??= this.core.tabs.hear((message) => this.hearTab(message as TabNews));
    await this.core.begin(me, token);
    this.authValue.set({ status: 'signed_in', me });
    this.core.server.look();
  }

  /** The session is over here: nothing of it stays on this device but what waits to be sent, and drafts. */
  private async leave(reason: ParleyError, isTold: boolean, isWiped = true): Promise<void> {
    const { core } = this;
    const { userId, token } = core;
    this.turn++;
    core.end(reason);
    const kept = await this.kept();
    if (kept?.token === token) {
      await core.storage.write(new Map([['session', undefined]]));
      await this.session.write(new Map([['session', undefined]]));
    }
    if (isWiped) await core.wipeCache(userId);
    await this.signedOut(isTold ? reason : undefined);
    core.tabs.tell({ about: 'session', ended: userId } satisfies TabNews);
  }

  private async ended(reason: ParleyError): Promise<void> {
    try {
      await this.leave(reason, true);
    } catch (error) {
      this.core.failed(error);
    }
  }

  private async signedOut(reason?: ParleyError): Promise<void> {
    const { core } = this;
    this.endTabs ??= core.tabs.hear((message) => this.hearTab(message as TabNews));
    const last = (await core.storage.read('last')).get('last') as Last | undefined;
    const waiting = last ? await core.outbox.countFor(last.id) : 0;
    if (core.me) return;
    this.authValue.set({
      status: 'signed_out',
      waiting,
      ...(reason && { reason }),
      ...(last && { last_email: last.email }),
    });
  }

  /** In another tab somebody signed in or out. */
  private hearTab({ about, ended }: TabNews): void {
    if (about !== 'session' || this.core.isClosed) return;
    const { core } = this;
    if (ended !== undefined && ended === core.userId)
      void this.kept()
        .then((kept) => (kept?.token === core.token ? undefined : this.leaveQuietly()))
        .catch((error: unknown) => core.failed(error));
    else if (ended === undefined && this.auth.get().status === 'signed_out')
      void this.resume().catch((error: unknown) => core.failed(error));
  }

  private async leaveQuietly(): Promise<void> {
    this.turn++;
    this.core.end(new ParleyError('signed_out', 'Logged out in another tab.'));
    await this.signedOut();
  }
}

/** Property initialisers run before the constructor's body, and need what it makes only later. */
function late<T>(store: () => Store<T>): Store<T> {
  return {
    get: () => store().get(),
    listen: (...args) => store().listen(...args),
    subscribe: (...args) => store().subscribe(...args),
  };
}

function missingUrl(): never {
  throw new ParleyError('invalid', 'Outside of a page, ParleyClient needs the address of the server.');
}
