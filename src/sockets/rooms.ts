import { LRUCache } from 'lru-cache';

/*
 * The Socket.IO rooms that sockets join: sets of receivers, not to be mistaken for chat rooms.
 */

/** Every socket of one user, on all devices. */
export const userRoom = (userId: number): string => `user:${userId}`;

/** Made once for each group: sockets keep the names of their rooms, and equal strings would take memory for each socket. */
const named = (prefix: string): ((groupId: number) => string) => {
  const names = new LRUCache<number, string>({ max: 50_000 });
  return (groupId) => {
    let name = names.get(groupId);
    if (name === undefined) names.set(groupId, (name = `${prefix}:${groupId}`));
    return name;
  };
};

/** Every socket of those who are in the group right now: they get its messages. */
export const groupRoom = named('group');

/** Every socket of its members who are online and not in it: they get notifications of new messages. */
export const outsideRoom = named('outside');

/** The group of one of these two rooms; undefined for other rooms. */
export function groupOf(room: string): number | undefined {
  const [, id] = /^(?:group|outside):(\d+)$/.exec(room) ?? [];
  return id === undefined ? undefined : Number(id);
}

/** Every socket that has a session: sockets without a token get nothing. */
export const EVERYBODY = 'everybody';

/** Every socket of one session. */
export const sessionRoom = (sessionId: number): string => `session:${sessionId}`;

/** Every socket that does not keep up: it gets no notices of who enters and leaves, and no presence. */
export const BEHIND_ROOM = 'behind';

/** Whether sockets of other nodes may be in it as well. The others are for what each node does by itself; so is the room of each socket. */
export const isCarried = (room: string): boolean => room === EVERYBODY || /^(user|group|outside):/.test(room);
