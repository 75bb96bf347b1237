import type { Identity } from '../common/identity.js';
import type { SessionEnd } from '../common/logs/security-log.js';

/**
 * What each kind of chat is found by before its conversation is known: the two people of a room, the lower id first; a group by its id;
 * a chat with the bot by its person, and for an answer, the question that it answers.
 */
export interface ChatTargets {
  room: { readonly low: number; readonly high: number };
  group: number;
  bot: { readonly userId: number; readonly answers?: number };
}

export type ChatKindName = keyof ChatTargets;

/** `T` for each kind of chat, told apart by `kind`. */
type ForEachKind<T> = { [K in ChatKindName]: { kind: K; target: ChatTargets[K] } & T }[ChatKindName];

/** A message is stored, and has its number. Never told of a repeat. */
export type MessageStored = ForEachKind<{
  conversationId: number;
  seq: number;
  timestamp: Date;
  sender: Identity;
  body: string;
  clientId?: string | undefined;
}>;

/** A message says something else now, or nothing. */
export type MessageChanged = ForEachKind<{
  conversationId: number;
  /** The number of this change among those of the chat. */
  change: number;
  seq: number;
  senderId: number;
  body: string;
  createdAt: Date;
  editedAt: Date | null;
  deletedAt: Date | null;
}>;

interface InGroup {
  groupId: number;
  userId: number;
}

/** Somebody is a member of a group from now on. */
export interface MemberJoined extends InGroup {
  /** The newest message; all up to it counts as read. */
  lastSeq: number;
  /** They came in by themselves, and hear what is written from now on. */
  isIn: boolean;
}

/** Somebody is a member of a group no more. */
export interface MemberLeft extends InGroup {
  wasIn: boolean;
}

/** Somebody has erased their account, and with it all of their memberships. */
export interface MembershipsErased {
  userId: number;
  groups: readonly { groupId: number; wasIn: boolean }[];
}

/**
 * A member has entered a group, where they may have been already, or has left it and stays a member. Not told of members who go offline:
 * see `wentOffline`.
 */
export interface GroupEntered extends InGroup {
  /** The newest message, up to which they have read now. */
  lastSeq: number;
  /** Until now. */
  wasIn: boolean;
  lastReadSeq: number;
}

/** A group is new or gone, or has another name, owner, privacy or number of members. */
export interface GroupChanged {
  groupId: number;
}

/** A group was handed over. */
export interface OwnerChanged {
  groupId: number;
  ownerId: number;
  formerOwnerId: number;
}

/** Groups whose owner has gone came down to others. */
export interface GroupsInherited {
  /** New owners, by group. */
  heirs: ReadonlyMap<number, number>;
}

/** Somebody hides from another from now on, or no more. */
export interface BlockChanged {
  blockerId: number;
  blockedId: number;
}

/** As much of a socket as listeners need. */
export interface BoundSocket {
  readonly id: string;
  /** Does nothing once the socket has closed. */
  join(rooms: string | string[]): Promise<void> | void;
}

/** A login is worth nothing any more: its sockets are closed. */
export interface SessionEnded extends Identity {
  by: SessionEnd;
}

/**
 * Everything that can have happened, by name: what one part of the house tells, and any other may listen to. A transaction records it
 * (`DomainEvents.record`), and it is told after the commit; messages of one chat in the order of `seq`, changes of one chat in the order
 * of `change`.
 */
export interface DomainEventMap {
  messageStored: MessageStored;
  messageChanged: MessageChanged;
  memberJoined: MemberJoined;
  memberLeft: MemberLeft;
  groupEntered: GroupEntered;
  groupLeft: GroupEntered;
  membershipsErased: MembershipsErased;
  groupChanged: GroupChanged;
  ownerChanged: OwnerChanged;
  groupsInherited: GroupsInherited;
  /** A person is new, has another name, or was erased. */
  userChanged: { userId: number };
  accountErased: { userId: number };
  blockChanged: BlockChanged;
  sessionEnded: SessionEnded;
  /** A socket speaks for somebody from now on. Its first message waits until all listeners are done. */
  socketBound: { userId: number; socket: BoundSocket };
  /** Somebody's first socket, where they were offline. */
  wentOnline: { userId: number };
  /** Somebody's last socket closed; they may be back in a moment. `heardAt` is on the clock of `now()`. */
  disconnected: { userId: number; heardAt: number };
  wentOffline: { userId: number; at: Date };
}

export type DomainEventName = keyof DomainEventMap;
