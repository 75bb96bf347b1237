import { LRUCache } from 'lru-cache';

/*
 * The Socket.IO rooms that sockets join. Not to be mistaken for chat rooms: these name who receives.
 */

/** Every socket of one user, on all devices. */
export const userRoom = (userId: number): string => `user:${userId}`;

/** Made once for each group: every socket keeps the names of its rooms, and each name made anew would be kept as well. */
const named = (prefix: string): ((groupId: number) => string) => {
  const names = new LRUCache<number, string>({ max: 50_000 });
  return (groupId) => {
    let name = names.get(groupId);
    if (name === undefined) names.set(groupId, (name = `${prefix}:${groupId}`));
    return name;
  };
};

/** Every socket of everybody who is in the group right now: its messages go there. */
export const groupRoom = named('group');

/** Every socket of its members who are online but not in it: they hear that there is something new. */
export const outsideRoom = named('outside');

/** Every socket that has a session: sockets that have shown no token hear nothing. */
export const EVERYBODY = 'everybody';

/** Every socket of one login. */
export const sessionRoom = (sessionId: number): string => `session:${sessionId}`;

/** Every socket that does not keep up: it is told only what lasts. */
export const BEHIND_ROOM = 'behind';
