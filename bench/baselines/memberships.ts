/** The rooms of Parley's connections, for baselines: what joining and leaving costs, and what a room holds, is no merit of theirs. */
export interface Memberships {
  sockets: number;
  groups: number;
  membersPerGroup: number;
}

/** One name for all who are in the room, as in Parley: each socket keeps the names of its rooms. */
const names = new Map<string, string>();
const shared = (name: string): string => {
  if (!names.has(name)) names.set(name, name);
  return names.get(name)!;
};

export const groupRoom = (id: number): string => shared(`group:${id}`);
export const outsideRoom = (id: number): string => shared(`outside:${id}`);

/** The session, the person, everybody, and each of the person's groups (see `sockets/rooms.ts`). */
export function roomsOf(userId: number, { sockets, groups, membersPerGroup }: Memberships): string[] {
  const rooms = [`session:${userId}`, `user:${userId}`, 'everybody'];
  // As the seed deals them out, round robin: after so many groups, everybody has had a turn.
  const cycle = sockets / membersPerGroup;
  for (let group = Math.floor((userId - 1) / membersPerGroup); group < groups; group += cycle)
    rooms.push(outsideRoom(group + 1));
  return rooms;
}
