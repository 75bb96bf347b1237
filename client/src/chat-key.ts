import type { ChatRef } from './data.js';

export function chatKey(ref: ChatRef): string {
  if (ref.type === 'bot') return 'bot';
  return ref.type === 'room' ? `room:${ref.user_id}` : `group:${ref.group_id}`;
}

export function parseChatKey(key: string): ChatRef | undefined {
  if (key === 'bot') return { type: 'bot' };
  const [, type, digits] = /^(room|group):([1-9]\d{0,15})$/.exec(key) ?? [];
  if (type === undefined) return undefined;
  return type === 'room' ? { type, user_id: Number(digits) } : { type: 'group', group_id: Number(digits) };
}
