/*
 * The Socket.IO rooms that sockets join. Not to be mistaken for chat rooms: these name who receives.
 */

/** Every socket of one user, on all devices. */
export const userRoom = (userId: number): string => `user:${userId}`;

/** Every socket of one login. */
export const sessionRoom = (sessionId: number): string => `session:${sessionId}`;
