import { createClient } from '@redis/client';
import { Deadline } from '../../common/timing/deadline.js';
import type { RedisAddress, RedisUrl } from '../../config/redis-url.js';

/** A connection is given up that takes longer for an answer. */
export const ANSWER_WITHIN_MS = 2_000;
/** Commands that wait for an answer: past that, what is published is dropped. */
export const MOST_UNDER_WAY = 20_000;

export type Access = Pick<RedisUrl, 'isTls' | 'user' | 'password' | 'database'>;

export type Client = ReturnType<typeof newClient>;

/** Not connected again by the library: what it was subscribed to is asked for anew, by those who need it by then. */
export const newClient = ({ host, port }: RedisAddress, { isTls, user, password, database }: Access) =>
  createClient({
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    database,
    // One connection carries answers and news.
    RESP: 3,
    // A command for which there is no connection fails at once.
    disableOfflineQueue: true,
    commandsQueueMaxLength: 2 * MOST_UNDER_WAY,
    // No deadline of its own for each command, which would be a timer and a signal for each packet: a connection that is silent is given up.
    commandOptions: { timeout: 0 },
    maintNotifications: 'disabled',
    socket: {
      host,
      port,
      ...(isTls && { tls: true }),
      connectTimeout: ANSWER_WITHIN_MS,
      socketTimeout: ANSWER_WITHIN_MS,
      reconnectStrategy: false,
    },
  });

/** What `work` gives. @throws its error, or where it takes longer */
export function inTime<T>(work: Promise<T>, withinMs = ANSWER_WITHIN_MS): Promise<T> {
  return new Promise((resolve, reject) => {
    const deadline = new Deadline(withinMs, () => reject(new Error('it does not answer')));
    work.then(resolve, reject).finally(() => deadline.met());
  });
}

/** Connects, and gives up where that takes too long. @throws the reason */
export async function connected(client: Client): Promise<void> {
  const failed = new Promise<never>((_, reject) => client.on('error', reject));
  try {
    await inTime(Promise.race([client.connect(), failed]));
  } catch (error) {
    destroy(client);
    throw error;
  }
}

export function destroy(client: Client): void {
  if (client.isOpen) client.destroy();
}

/** Connections that are refused on several addresses come as an error without a message. */
export const reasonOf = (error: unknown): string => {
  const { message, code } = (error ?? {}) as { message?: string; code?: string };
  return message || code || String(error);
};

/** The server says that another one has this. */
export const isMoved = (error: unknown): boolean => /^(MOVED|ASK) /.test(reasonOf(error));
