import type { House, Identity } from './house.js';
import { type NamedChat, oneChat } from './one-chat.js';
import { invalid, notFound, Refusal } from './refusal.js';
import type { Report } from './state.js';

type Reported = NamedChat & Pick<Report, 'seq' | 'reason' | 'note'>;

/** Somebody hands a message to those who look after the server. A repeat is answered with the first id. @throws Refusal */
export function report({ rates, state }: House, me: Identity, { seq, reason, note, ...named }: Reported) {
  const { kind, id: chatId } = oneChat(named);
  const { user_id: userId } = me;
  if (me.session_id !== 0) rates.take('Too many reports.', [{ name: 'report', key: String(userId) }]);
  const chat = state.assertMember(kind, chatId, userId);
  const isSame = (one: Report): boolean => one.chat_id === chatId && one.seq === seq && one.reporter_id === userId;
  const before = state.reports.find(isSame);
  if (before) return { id: before.id };
  const message = chat.messages[seq - 1];
  if (!message) throw notFound('message');
  if (message.user_id === userId) throw invalid('The message is your own.', { seq: ['is your own message'] });
  if (message.is_deleted) throw new Refusal('message_deleted', 'The message was deleted. Send a new one.');
  const id = state.nextId('report');
  state.reports.push({ id, reporter_id: userId, chat_id: chatId, seq, reason, note });
  return { id };
}
