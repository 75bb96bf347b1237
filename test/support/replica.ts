import { call, type ChatSocket, next, open, type Person } from './client.js';
import type {
  AccessRequestUpdate,
  ChatSettings,
  GroupDeleted,
  GroupMessage,
  GroupMessageUpdate,
  GroupNotice,
  GroupNotification,
  GroupReactions,
  GroupRead,
  GroupRow,
  GroupUpdate,
  PresenceChange,
  ReadReceipt,
  RoomMessage,
  RoomMessageUpdate,
  RoomReactions,
  UserErased,
  UserRow,
} from '../../src/sockets/events.js';
import type { MessageView } from '../../src/conversations/message.view.js';
import { ShownMessages } from './shown-messages.js';

/** How the person wants to be told of a chat, where that is not what a membership begins with. */
type Settings = Partial<Omit<ChatSettings, 'chat_room_id' | 'chat_group_id'>>;

interface Room {
  settings: Settings;
  other_id: number;
  last_seq: number;
  last_change: number;
  last_read_seq: number;
  other_last_read_seq: number;
}

interface Group {
  settings: Settings;
  name: string;
  owner_id: number;
  is_private: boolean;
  is_member: boolean;
  is_in: boolean;
  my_request: 'pending' | 'refused' | null;
  member_count: number | null;
  last_seq: number;
  last_change: number;
  last_read_seq: number;
}

interface User {
  first_name: string;
  last_name: string;
  is_online: boolean;
  last_seen: string | null;
}

/** What is compared: groups with what is told of them. */
export interface Shown {
  rooms: object[];
  groups: { id: number; is_member: boolean; owner_id: number }[];
  users: { id: number }[];
}

type Event = { name: string; payload: any };

/** Between a group and whoever is no member of it. */
const NOTHING = {
  settings: {},
  is_member: false,
  is_in: false,
  my_request: null,
  last_seq: 0,
  last_change: 0,
  last_read_seq: 0,
} as const;

const EVENTS = [
  'message',
  'message_update',
  'message_reactions',
  'chat_settings',
  'notification',
  'read',
  'presence',
  'user_update',
  'group_update',
  'access_request',
];

const BEGINS_WITH = { room: 'all', group: 'mentions' } as const;

/** As lists show them: without what a membership begins with. */
const settingsOf = (kind: 'room' | 'group', settings: Settings): Settings => ({
  ...(settings.notify && settings.notify !== BEGINS_WITH[kind] && { notify: settings.notify }),
  ...(settings.muted_until && { muted_until: settings.muted_until }),
  ...(settings.is_favourite && { is_favourite: true }),
  ...(settings.is_archived && { is_archived: true }),
});

/**
 * What one device shows: a snapshot of all lists and histories, taken as the protocol says (connect, fetch, apply what arrived
 * meanwhile), and from then on nothing but the events.
 */
export class Replica {
  private readonly users = new Map<number, User>();
  private readonly rooms = new Map<number, Room>();
  private readonly groups = new Map<number, Group>();
  private readonly histories = new Map<number, ShownMessages>();
  private buffered: Event[] | undefined = [];
  /** What no event may do: a mark that goes back, a message of a room that is missing. */
  readonly faults: string[] = [];
  /** How far each group was read, as the events said it. */
  private readonly groupMarks = new Map<number, number>();
  /** While what came during the fetch is applied, it may be older than what was fetched. */
  private isCatchingUp = false;
  /** Fetches that an event asked for. */
  private fetching: Promise<void> = Promise.resolve();

  private constructor(
    readonly person: Person,
    readonly socket: ChatSocket,
  ) {
    for (const name of EVENTS) socket.on(name as never, ((payload: unknown) => this.hear({ name, payload })) as never);
  }

  static async connect(person: Person): Promise<Replica> {
    const socket = open(person.target, { auth: { token: person.token } });
    const replica = new Replica(person, socket);
    await next(socket, 'connect');
    await replica.fetchAll();
    const missed = replica.buffered!;
    replica.buffered = undefined;
    replica.isCatchingUp = true;
    for (const event of missed) replica.apply(event);
    replica.isCatchingUp = false;
    return replica;
  }

  /** What the server would tell a new device now, without entering anything. */
  static async fresh(person: Person): Promise<Replica> {
    const replica = new Replica(person, open(person.target, { autoConnect: false }));
    await replica.fetchAll();
    return replica;
  }

  close(): void {
    this.socket.disconnect();
  }

  /** Everything that is promised to be as a new snapshot would be. */
  async shown(): Promise<Shown> {
    await this.fetching;
    const sorted = <V>(map: Map<number, V>): [number, V][] => [...map].sort(([a], [b]) => a - b);
    const partners = new Set([...this.rooms.values()].map(({ other_id }) => other_id));
    return {
      rooms: sorted(this.rooms).map(([id, room]) => ({
        id,
        ...room,
        unread_count: room.last_seq - room.last_read_seq,
        history: this.histories.get(id)?.shown() ?? [],
      })),
      groups: sorted(this.groups).map(([id, group]) => this.shownGroup(id, group)),
      users: sorted(this.users).map(([id, { first_name, last_name, is_online, last_seen }]) => ({
        id,
        first_name,
        last_name,
        // "To those who have to do with these people": others fetch.
        ...(partners.has(id) && { is_online, last_seen }),
      })),
    };
  }

  private shownGroup(
    id: number,
    { last_seq, last_change, last_read_seq, member_count, settings, ...group }: Group,
  ): Shown['groups'][number] {
    return {
      id,
      ...group,
      // Null in the list of one who was removed, who is told what every stranger is.
      ...(group.is_member && { member_count, settings }),
      // "Members, messages and events of a group that the caller is not part of": its news come to members alone.
      ...(group.is_member && { last_seq, last_read_seq, unread_count: last_seq - last_read_seq }),
      // "Members outside a group see the change in their lists and histories": they fetch.
      ...(group.is_in && { last_change, history: this.histories.get(id)?.shown() ?? [] }),
    };
  }

  private get(path: string): Promise<any> {
    return call(this.person.target, 'GET', path, { token: this.person.token }).then(({ body }) => body);
  }

  private async fetchAll(): Promise<void> {
    const [users, rooms, groups] = await Promise.all(
      ['/http/users', '/http/chat_rooms', '/http/chat_groups'].map((path) => this.get(path)),
    );
    for (const { id, ...user } of users) this.users.set(id, user);
    for (const room of rooms) {
      const { id, other_user, last_seq, last_change, last_read_seq, other_last_read_seq } = room;
      this.rooms.set(id, {
        other_id: other_user.id,
        last_seq,
        last_change,
        last_read_seq,
        other_last_read_seq,
        settings: settingsOf('room', room),
      });
      await this.fetchHistory('chat_rooms', id);
    }
    for (const group of groups) {
      const { id, name, owner_id, is_private, is_member, is_in, my_request, member_count } = group;
      const { last_seq, last_change, last_read_seq } = group;
      this.groups.set(id, {
        name,
        owner_id,
        is_private,
        is_member,
        is_in,
        my_request,
        member_count,
        last_seq,
        last_change,
        last_read_seq,
        settings: settingsOf('group', group),
      });
      if (group.is_member) await this.fetchHistory('chat_groups', id);
    }
  }

  /** From the beginning: `after` enters nothing. */
  private async fetchHistory(list: 'chat_rooms' | 'chat_groups', id: number): Promise<void> {
    const pages: MessageView[] = [];
    for (let after = 0; ; after += 100) {
      const page = await this.get(`/http/${list}/${id}?after=${after}`);
      // Put out in this very moment: an event says so.
      if (!Array.isArray(page)) return;
      pages.push(...page);
      if (page.length < 100) break;
    }
    const history = this.history(id);
    for (const message of pages) history.fetched(message);
    const chat = list === 'chat_rooms' ? this.rooms.get(id) : this.groups.get(id);
    if (!chat) return;
    chat.last_seq = Math.max(chat.last_seq, history.lastSeq);
    chat.last_change = Math.max(chat.last_change, history.lastChange);
  }

  private history(id: number): ShownMessages {
    const history = this.histories.get(id) ?? new ShownMessages(this.person.id);
    this.histories.set(id, history);
    return history;
  }

  private hear(event: Event): void {
    if (this.buffered) this.buffered.push(event);
    else this.apply(event);
  }

  private apply({ name, payload }: Event): void {
    if (name === 'message') this.message(payload);
    else if (name === 'message_update' || name === 'message_reactions') this.messageChanged(payload);
    else if (name === 'chat_settings') this.chatSettings(payload);
    else if (name === 'notification') this.notification(payload);
    else if (name === 'read') this.read(payload);
    else if (name === 'presence') this.presence(payload);
    else if (name === 'user_update') this.userUpdate(payload);
    else if (name === 'access_request') this.accessRequest(payload);
    else this.groupUpdate(payload);
  }

  private message(event: RoomMessage | GroupMessage | GroupNotice): void {
    if ('notice' in event) return;
    const me = this.person.id;
    const { seq, user_id, message, timestamp, client_id, reply_to, mentions } = event;
    const view = {
      seq,
      user_id,
      message,
      timestamp,
      ...(client_id !== undefined && { client_id }),
      ...(reply_to && { reply_to }),
      ...(mentions && { mentions }),
    };
    const id = event.chat_type === 'room' ? event.chat_room_id : event.chat_group_id;
    if (event.chat_type === 'room' && !this.rooms.has(id)) {
      const other_id = user_id === me ? event.other_user_id : user_id;
      const marks = { last_seq: 0, last_change: 0, last_read_seq: 0, other_last_read_seq: 0 };
      this.rooms.set(id, { other_id, ...marks, settings: {} });
    }
    const chat = event.chat_type === 'room' ? this.rooms.get(id)! : this.groups.get(id);
    if (!chat) return;
    const isMissing = seq > chat.last_seq + 1;
    const hasGap = isMissing || !this.histories.has(id);
    // One who was connected all the time is told every message of their rooms, in order.
    if (event.chat_type === 'room' && (isMissing || seq <= chat.last_seq)) this.fault(event, chat);
    this.history(id).told(view);
    chat.last_seq = Math.max(chat.last_seq, seq);
    // "Whoever sent number 7 has read up to 7"; "nothing is unread while one is in and connected".
    if (user_id === me || event.chat_type === 'group') chat.last_read_seq = Math.max(chat.last_read_seq, seq);
    else (chat as Room).other_last_read_seq = Math.max((chat as Room).other_last_read_seq, seq);
    if (event.chat_type === 'group' && hasGap && seq > 1) this.fetch('chat_groups', id);
  }

  private fault(event: object, known: object): void {
    if (!this.isCatchingUp) this.faults.push(`${JSON.stringify(event)} after ${JSON.stringify(known)}`);
  }

  private fetch(list: 'chat_rooms' | 'chat_groups', id: number): void {
    this.fetching = this.fetching.then(() => this.fetchHistory(list, id));
  }

  private messageChanged(event: RoomMessageUpdate | GroupMessageUpdate | RoomReactions | GroupReactions): void {
    const id = event.chat_type === 'room' ? event.chat_room_id : event.chat_group_id;
    const chat = event.chat_type === 'room' ? this.rooms.get(id) : this.groups.get(id);
    if (!chat) return;
    this.history(id).changed(event);
    chat.last_change = Math.max(chat.last_change, event.change);
  }

  private chatSettings({ chat_room_id: roomId, chat_group_id: groupId, ...settings }: ChatSettings): void {
    const [kind, chat] =
      roomId === undefined
        ? (['group', this.groups.get(groupId!)] as const)
        : (['room', this.rooms.get(roomId)] as const);
    if (chat) chat.settings = settingsOf(kind, settings);
  }

  private notification(event: GroupNotification | GroupRead): void {
    const group = this.groups.get(event.chat_group_id);
    if (!group) return;
    group.last_seq = Math.max(group.last_seq, event.last_seq);
    if (!('last_read_seq' in event)) return;
    this.groupMark(event.chat_group_id, event.last_read_seq, event);
    group.last_read_seq = Math.max(group.last_read_seq, event.last_read_seq);
  }

  private read({ chat_room_id, chat_group_id, user_id, seq }: ReadReceipt): void {
    const room = chat_room_id !== undefined && this.rooms.get(chat_room_id);
    const group = chat_group_id !== undefined && this.groups.get(chat_group_id);
    const isMine = user_id === this.person.id;
    if (room) {
      const mark = isMine ? 'last_read_seq' : 'other_last_read_seq';
      if (seq < room[mark]) this.fault({ chat_room_id, user_id, seq }, room);
      room[mark] = Math.max(room[mark], seq);
    } else if (isMine && group) {
      this.groupMark(chat_group_id, seq, { chat_group_id, user_id, seq });
      group.last_read_seq = Math.max(group.last_read_seq, seq);
    }
  }

  /** Beside what is said, one who is in has read what comes. */
  private groupMark(id: number, seq: number, event: object): void {
    const known = this.groupMarks.get(id) ?? 0;
    if (seq < known) this.fault(event, { last_read_seq: known });
    this.groupMarks.set(id, seq);
  }

  private presence(changes: PresenceChange[]): void {
    for (const { user_id, ...state } of changes) {
      const user = this.users.get(user_id);
      if (user) Object.assign(user, state);
    }
  }

  private userUpdate(event: UserRow | UserErased): void {
    const { id, ...row } = event;
    if ('deleted' in event) this.users.delete(id);
    else this.users.set(id, row as User);
  }

  /** The owner is told of those of others. */
  private accessRequest({ chat_group_id, user_id, status }: AccessRequestUpdate): void {
    if (user_id === this.person.id) this.group(chat_group_id).my_request = status === 'granted' ? null : status;
  }

  /** What a group itself is may be told a second after what is between it and the person. */
  private group(id: number): Group {
    const known = this.groups.get(id);
    if (known) return known;
    const group = { ...NOTHING, name: '', owner_id: 0, is_private: false, member_count: null };
    this.groups.set(id, group);
    return group;
  }

  private groupUpdate(event: GroupUpdate | GroupRow | GroupDeleted): void {
    const id = event.chat_group_id;
    if ('deleted' in event) {
      this.groups.delete(id);
      return;
    }
    const group = this.group(id);
    if ('name' in event) {
      const { chat_group_id: _, ...row } = event;
      Object.assign(group, row);
      return;
    }
    const wasIn = group.is_in;
    group.is_in = event.is_in;
    if (event.owner_id !== undefined) group.owner_id = event.owner_id;
    if (event.is_member !== undefined) group.is_member = event.is_member;
    if (event.is_in) group.is_member = true;
    if (group.is_member) group.my_request = null;
    if (event.is_member === false) {
      this.histories.delete(id);
      Object.assign(group, NOTHING);
    } else if ((event.is_in && !wasIn) || event.is_member) {
      // Let in, or entered on another device: there may be what this one has not seen.
      this.fetch('chat_groups', id);
    }
  }
}
