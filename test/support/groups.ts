import { call, type ChatSocket, type Person, send } from './client.js';

/** A group of its owner's, open unless told otherwise, whose members have entered it; the owner has not. @returns its id */
export async function makeGroup(
  owner: Person,
  members: readonly Person[] = [],
  { name = 'Engines', isPrivate = false }: { name?: string; isPrivate?: boolean } = {},
): Promise<number> {
  const { target, token } = owner;
  const body = { chat_group_name: name, is_private: isPrivate };
  const { id } = (await call(target, 'POST', '/http/chat_groups', { token, body })).body;
  for (const one of members)
    await call(target, 'POST', `/http/chat_groups/${id}`, { token: one.token, body: { is_enter: true } });
  return id;
}

/** A message to a group. @returns its acknowledgement */
export const sayIn = (socket: ChatSocket, group: number, message: string, more: object = {}) =>
  send(socket, { chat_type: 'group', chat_group_id: group, message, ...more });
