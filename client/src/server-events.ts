import type { Core } from './core.js';
import { fromWire } from './errors.js';
import { GroupChat } from './group.js';
import type { WireEvents } from './wire.js';

export type ServerEvent = { [K in keyof WireEvents]: { name: K; payload: WireEvents[K] } }[keyof WireEvents];

/** The way of each event to what it is about. */
export function applyEvent(core: Core, event: ServerEvent): void {
  const { chats } = core;
  switch (event.name) {
    case 'message':
      return onMessage(core, event.payload);
    case 'message_update':
    case 'message_reactions':
      return event.payload.chat_type === 'room'
        ? chats.room(otherOf(core, event.payload)).onChange(event.payload)
        : chats.group(event.payload.chat_group_id).onChange(event.payload);
    case 'bot_delta':
      return chats.bot.onDelta(event.payload);
    case 'notification':
      return chats.group(event.payload.chat_group_id).onNotification(event.payload);
    case 'read': {
      const { user_id, seq } = event.payload;
      const chat = chats.at(event.payload);
      return user_id === core.userId ? chat?.read(seq) : chat?.receipt(user_id, seq);
    }
    case 'typing': {
      const { chat_type, chat_group_id, user_id } = event.payload;
      const chat = chat_type === 'room' ? chats.room(user_id) : chats.group(chat_group_id ?? 0);
      return chat.typing.heard(user_id);
    }
    case 'presence':
      core.people.presence(event.payload);
      for (const chat of chats.all()) if (chat instanceof GroupChat) chat.presence(event.payload);
      return;
    case 'user_update':
      return onUser(core, event.payload);
    case 'group_update':
      return chats.group(event.payload.chat_group_id).onNews(event.payload);
    case 'access_request':
      return chats.group(event.payload.chat_group_id).onAccess(event.payload);
    case 'chat_settings':
      chats.at(event.payload)?.settings.told(event.payload);
      return core.inbox.keepSoon();
    case 'resync':
      return core.sync.again();
    case 'report':
      // What moderators do is not this client's.
      return;
    case 'server_update':
      return core.server.update(event.payload);
    case 'exception': {
      const error = fromWire(event.payload);
      const { request } = event.payload;
      if (request?.chat_type === 'bot' && error.code === 'bot_unavailable')
        chats.bot.onFailure(error, request.client_id);
      return core.log('info', `The server says: ${error.message}`, { code: error.code });
    }
  }
}

function otherOf(core: Core, { user_id, other_user_id }: { user_id: number; other_user_id: number }): number {
  return user_id === core.userId ? other_user_id : user_id;
}

function onMessage(core: Core, event: WireEvents['message']): void {
  const { chats } = core;
  if (event.chat_type === 'bot') return chats.bot.onAnswer(event.messages);
  if (event.chat_type === 'room') {
    const room = chats.room(otherOf(core, event));
    room.foundId(event.chat_room_id);
    return room.onMessage(event);
  }
  const group = chats.group(event.chat_group_id);
  return 'notice' in event ? group.onNotice(event) : group.onMessage(event);
}

function onUser(core: Core, event: WireEvents['user_update']): void {
  core.people.update(event);
  const { me } = core;
  if (event.id !== me?.id || 'deleted' in event) return;
  const { first_name, last_name } = event;
  core.setMe({ ...me, first_name, last_name });
}
