import { parse, REQUESTS } from './fields.js';
import type { House } from './house.js';
import { closesSocket, invalid, Refusal, tokenInvalid } from './refusal.js';
import type { Connection } from './sockets.js';

type Payload = Record<string, unknown>;

/** Largest packet that is read. */
const MOST_BYTES = 64 * 1024;

/** What each event does; the answer is its acknowledgement. */
const EVENTS: Readonly<Record<string, (house: House, me: Connection, payload: unknown) => object>> = {
  message: (house, me, payload) => {
    const kind = kindOf(payload);
    if (kind === undefined) {
      parse(REQUESTS.token, payload, 'socket');
      return { ok: true, user_id: me.user_id };
    }
    const send = typeof kind === 'string' && Object.hasOwn(MESSAGES, kind) ? MESSAGES[kind] : undefined;
    if (!send) throw wrongKind(MESSAGES);
    return send(house, me, payload as Payload);
  },
  bot_stop: (house, me, payload) => house.bot.stop(me, parse(REQUESTS.stopBot, payload, 'socket').question_seq),
  read: (house, me, payload) => {
    const { token: _, ...place } = parse(REQUESTS.readChat, payload, 'socket');
    return { ok: true, ...house.notifications.read(me, place) };
  },
  react: (house, me, payload) => house.reactions.react(me, parse(REQUESTS.react, payload, 'socket')),
  typing: (house, me, payload) => {
    const kind = kindOf(payload);
    if (kind === 'room') house.typing.inRoom(me, parse(REQUESTS.typingRoom, payload, 'socket').other_user_id);
    else if (kind === 'group') house.typing.inGroup(me, parse(REQUESTS.typingGroup, payload, 'socket').chat_group_id);
    else throw wrongKind({ room: 0, group: 0 });
    return { ok: true };
  },
};

/** What `chat_type` makes of a `message`. */
const MESSAGES: Readonly<Record<string, (house: House, me: Connection, payload: Payload) => object>> = {
  room: (house, me, payload) => {
    house.assertWanted('send');
    const { other_user_id, message, client_id, ...asked } = parse(REQUESTS.sendRoom, payload, 'socket');
    return house.messages.sendToPerson(me, other_user_id, message, client_id, asked);
  },
  bot: (house, me, payload) => {
    house.assertWanted('send');
    const { message, client_id, ...asked } = parse(REQUESTS.askBot, payload, 'socket');
    return house.bot.ask(me, message, client_id, asked);
  },
  group: (house, me, payload) => {
    if ('is_enter' in payload) {
      const { chat_group_id, is_enter } = parse(REQUESTS.enterGroup, payload, 'socket');
      if (is_enter) house.attendance.enter(me.user_id, chat_group_id);
      else house.attendance.leave(me.user_id, chat_group_id);
      return { ok: true, chat_group_id, is_in: is_enter };
    }
    house.assertWanted('send');
    const { chat_group_id, message, client_id, ...asked } = parse(REQUESTS.sendGroup, payload, 'socket');
    return house.messages.sendToGroup(me, chat_group_id, message, client_id, asked);
  },
};

/**
 * A packet has come from a client. What it causes leaves before the acknowledgement does: whoever sends a message hears it first, and
 * then that it is stored.
 */
export function receive(
  house: House,
  connection: Connection,
  event: string,
  payload: unknown,
  acknowledge: (answer: object) => void,
): void {
  connection.hears();
  const run = Object.hasOwn(EVENTS, event) ? EVENTS[event] : undefined;
  if (!run) {
    const unknown = new Refusal('unknown_event', 'There is no such event. See /http/docs/events.');
    return acknowledge({ ok: false, error: unknown.body() });
  }
  try {
    assertNotTooLarge(payload);
    assertSameSession(house, connection, payload);
    house.logins.countEvent(connection, event);
    acknowledge(run(house, connection, payload));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    connection.send('exception', { ...error.body(), request: requestOf(event, payload) });
    acknowledge({ ok: false, error: error.body() });
    if (closesSocket(error)) house.logins.hangUp(connection);
  }
}

/** @throws Refusal where the payload shows another token than the socket's */
function assertSameSession(house: House, { session_id }: Connection, payload: unknown): void {
  const { token } = (payload ?? {}) as { token?: unknown };
  if (token === undefined || token === null) return;
  if (typeof token !== 'string') throw tokenInvalid();
  if (house.logins.known(token.replace(/^Bearer +/i, '')).id === session_id) return;
  throw new Refusal(
    'session_mismatch',
    "This socket speaks for another session. Open a new one for the other session's token.",
  );
}

function assertNotTooLarge(payload: unknown): void {
  if (new TextEncoder().encode(JSON.stringify(payload) ?? '').length > MOST_BYTES)
    throw new Refusal('too_large', 'The packet is larger than 64 KiB. Send less.');
}

const kindOf = (payload: unknown): unknown => (payload as Payload | null | undefined)?.['chat_type'];

function wrongKind(kinds: object): Refusal {
  const sentence = `must be one of ${Object.keys(kinds).join(', ')}`;
  return invalid(`chat_type ${sentence}.`, { chat_type: [sentence] });
}

/** Enough for the client to know which of its messages it was. */
function requestOf(event: string, payload: unknown): object {
  const { chat_type, client_id } = (payload ?? {}) as Payload;
  return {
    event,
    ...(typeof chat_type === 'string' && { chat_type: chat_type.slice(0, 16) }),
    ...(typeof client_id === 'string' && { client_id: client_id.slice(0, 64) }),
  };
}
