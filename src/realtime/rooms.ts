/*
 * The Socket.IO rooms that sockets join. Not to be mistaken for chat rooms: these name who receives.
 */

/** Every socket of one user, on all devices. */
export const userRoom = (userId: number): string => `user:${userId}`;

/** Every socket of everybody who is in the group right now: its messages go there. */
export const groupRoom = (groupId: number): string => `group:${groupId}`;

/** Every socket of its members who are online but not in it: they hear that there is something new. */
export const outsideRoom = (groupId: number): string => `outside:${groupId}`;

/** Every socket of one login. */
export const sessionRoom = (sessionId: number): string => `session:${sessionId}`;

/** Every socket that does not keep up: it is told only what lasts. */
export const BEHIND_ROOM = 'behind';
