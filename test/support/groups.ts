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

/** A group whose owner has added these members: they are not in it. @returns its id */
export async function groupWith(owner: Person, members: readonly Person[]): Promise<number> {
  const group = await makeGroup(owner);
  const { target, token } = owner;
  for (const { id } of members)
    await call(target, 'POST', `/http/chat_groups/${group}/members`, { token, body: { user_id: id } });
  return group;
}

/** A message to a group. @returns its acknowledgement */
export const sayIn = (socket: ChatSocket, group: number, message: string, more: object = {}) =>
  send(socket, { chat_type: 'group', chat_group_id: group, message, ...more });
