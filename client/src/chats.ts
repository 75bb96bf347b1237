import { BotChat } from './bot.js';
import { parseChatKey } from './chat-key.js';
import type { BaseChat } from './chat.js';
import type { Core } from './core.js';
import { ParleyError } from './errors.js';
import { GroupChat } from './group.js';
import { RoomChat } from './room.js';
import type { ChatRef } from './data.js';

/** Every chat that anybody asked for or that something was heard of: the same object for the same chat. */
export class Chats {
  readonly bot: BotChat;
  private readonly known = new Map<string, BaseChat>();
  /** By `chat_room_id`, once that is known. */
  readonly roomById = new Map<number, RoomChat>();

  constructor(private readonly core: Core) {
    this.bot = new BotChat(core);
    this.known.set('bot', this.bot);
  }

  get(ref: ChatRef | string): RoomChat | GroupChat | BotChat {
    const found = typeof ref === 'string' ? parseChatKey(ref) : ref;
    if (!found)
      throw new ParleyError(
        'not_found',
        `There is no chat ${JSON.stringify(ref)}: a key is room:<user>, group:<group> or bot.`,
      );
    if (found.type === 'bot') return this.bot;
    return found.type === 'room' ? this.room(found.user_id) : this.group(found.group_id);
  }

  room(userId: number): RoomChat {
    return this.made(`room:${userId}`, () => new RoomChat(this.core, userId));
  }

  group(groupId: number): GroupChat {
    return this.made(`group:${groupId}`, () => new GroupChat(this.core, groupId));
  }

  /** As rows and events say which one it is. */
  at({ chat_room_id, chat_group_id }: { chat_room_id?: number; chat_group_id?: number }): BaseChat | undefined {
    return chat_group_id === undefined ? this.roomById.get(chat_room_id ?? 0) : this.group(chat_group_id);
  }

  private made<T extends BaseChat>(key: string, make: () => T): T {
    const known = this.known.get(key);
    if (known) return known as T;
    const chat = make();
    this.known.set(key, chat);
    return chat;
  }

  has(key: string): boolean {
    return this.known.has(key);
  }

  all(): BaseChat[] {
    return [...this.known.values()];
  }

  /** Those of the inbox. */
  listed(): BaseChat[] {
    return this.all().filter((chat) => chat.isListed);
  }

  foundId(chat: BaseChat): void {
    if (chat instanceof RoomChat && chat.id !== undefined) this.roomById.set(chat.id, chat);
  }

  /** Nobody is signed in any more. */
  forget(): void {
    for (const chat of this.all()) chat.forget();
    this.roomById.clear();
  }
}
