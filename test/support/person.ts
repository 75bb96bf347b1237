import { type Chat, type Group, memoryStorage, type MessageItem, ParleyClient, when } from 'parley-client';
import type { ParleyOptions, Store } from 'parley-client';
import { afterAll, afterEach, beforeEach } from 'vitest';
import type { TestApp } from './app.js';
import { linkToken, mailTo, type Target } from './client.js';

/*
 * People as they are with parley-client: what they do, and what they see. For a test of the wire itself, what a stock client sends and
 * gets, there is `Person` in client.ts.
 */

/** Somebody with an account, and the client on a device of theirs. */
export interface Known {
  readonly id: number;
  readonly token: string;
  readonly client: ParleyClient;
}

/** Somebody who knows their password. */
export interface Joined {
  readonly id: number;
  readonly email: string;
  readonly password: string;
  readonly client: ParleyClient;
}

/** Of the test that runs; of the file, where they are opened before its tests. */
const opened: Record<'test' | 'file', ParleyClient[]> = { test: [], file: [] };
let present: keyof typeof opened = 'file';

const close = async (clients: ParleyClient[]): Promise<void> =>
  void (await Promise.all(clients.splice(0).map((client) => client.close())));

beforeEach(() => void (present = 'test'));
afterEach(() => {
  present = 'file';
  return close(opened.test);
});
afterAll(() => close(opened.file));

/** A client as in Node: one of its kind, without a page. Whoever opens it closes it. */
export const newClient = (url: string, options: ParleyOptions = {}): ParleyClient =>
  new ParleyClient(url, { storage: memoryStorage(), ...options });

/** The same; it closes by itself. */
export function openClient({ url }: Target, options: ParleyOptions = {}): ParleyClient {
  const client = newClient(url, options);
  opened[present].push(client);
  return client;
}

/** One more device of somebody who has a session there. */
export async function clientWith(target: Target, token: string, options: ParleyOptions = {}): Promise<ParleyClient> {
  const client = openClient(target, options);
  await client.useToken(token);
  await synced(client);
  return client;
}

/** Somebody who has been here for long, signed in and synced. */
export async function knownClient(app: TestApp, firstName = 'Ada', options: ParleyOptions = {}): Promise<Known> {
  const { id, token } = await app.createUser(`${firstName.toLowerCase()}${crypto.randomUUID()}@example.com`, firstName);
  return { id, token, client: await clientWith(app, token, options) };
}

/** Registers by mail, opens the link and logs in, as everybody does. */
export async function joinedClient(target: Target, firstName = 'Ada', options: ParleyOptions = {}): Promise<Joined> {
  const [email, password] = [`${firstName.toLowerCase()}${crypto.randomUUID()}@example.com`, 'correct horse battery'];
  const client = openClient(target, options);
  await client.register({ email, password, first_name: firstName, last_name: 'Lovelace' });
  await client.confirm(linkToken(await mailTo(target, email)));
  const { id } = await client.login(email, password);
  await synced(client);
  return { id, email, password, client };
}

/** Waits until a store holds what fits, however slow the machine is. */
export const until = <T>(store: Store<T>, fits: (value: T) => boolean, withinMs = 60_000): Promise<T> =>
  when(store, fits, { signal: AbortSignal.timeout(withinMs) });

export const synced = (client: ParleyClient): Promise<unknown> => until(client.connection, (c) => c.synced);

export const groupId = (group: Group): number => (group.ref as Extract<Group['ref'], { type: 'group' }>).group_id;

/** What the timeline shows, as texts: those that are not stored with their state. */
export const shown = (chat: Chat): string[] =>
  chat.timeline
    .get()
    .items.map((item) =>
      item.kind === 'notice'
        ? `(${item.message})`
        : item.state === 'stored'
          ? textOf(item)
          : `${item.state}: ${textOf(item)}`,
    );

const textOf = (item: MessageItem): string => (item.deleted ? '[deleted]' : item.live ? item.live.get() : item.message);

/** Waits until the timeline shows this. */
export const shows = (chat: Chat, wanted: readonly string[]): Promise<void> =>
  become(chat.timeline, () => shown(chat), wanted, 'timeline');

/**
 * What the list of conversations shows, as texts: whose it is, what was said last, and how many messages are unread. The bot, which
 * always stands there, is left out until somebody has asked it.
 */
export const listed = ({ inbox }: ParleyClient): string[] =>
  inbox
    .get()
    .rows.filter(({ ref, last_message }) => ref.type !== 'bot' || last_message)
    .map(({ title, last_message, unread }) => {
      const text = last_message?.deleted ? '[deleted]' : (last_message?.message ?? '');
      return `${title}: ${text}${unread > 0 ? ` (${unread})` : ''}`;
    });

/** Waits until the list of conversations shows this. */
export const lists = (client: ParleyClient, wanted: readonly string[]): Promise<void> =>
  become(client.inbox, () => listed(client), wanted, 'list');

async function become<T>(
  store: Store<T>,
  texts: () => readonly string[],
  wanted: readonly string[],
  what: string,
): Promise<void> {
  const is = (): boolean => JSON.stringify(texts()) === JSON.stringify(wanted);
  try {
    await until(store, is);
  } catch {
    throw new Error(`The ${what} shows ${JSON.stringify(texts())}, not ${JSON.stringify(wanted)}.`);
  }
}
