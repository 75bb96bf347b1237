import { invalid } from './refusal.js';
import type { Group, Room, State } from './state.js';

/** A room or a group, whichever of the two a request names. */
export interface NamedChat {
  readonly chat_room_id?: number;
  readonly chat_group_id?: number;
}

/** The one chat that is named. @throws Refusal for none, and for both */
export function oneChat({ chat_room_id: roomId, chat_group_id: groupId }: NamedChat): {
  readonly kind: 'room' | 'group';
  readonly id: number;
} {
  if ((roomId === undefined) === (groupId === undefined)) {
    const sentence = 'must be given, and only one of the two';
    throw invalid(`chat_room_id or chat_group_id ${sentence}.`, {
      chat_room_id: [sentence],
      chat_group_id: [sentence],
    });
  }
  return { kind: roomId === undefined ? 'group' : 'room', id: (roomId ?? groupId)! };
}

/** The same, for one of its people. @throws Refusal */
export function chatOf(state: State, userId: number, named: NamedChat): Room | Group {
  const { kind, id } = oneChat(named);
  return state.assertMember(kind, id, userId);
}
