import type { Identity } from '../common/identity.js';
import type { SessionEnd } from '../common/logs/security-log.js';
import type { RegistrationMode } from '../config/registration-modes.js';
import type { Extras, QuotedMessage } from './message-extras.js';

/**
 * How a chat of each kind is named before its conversation is known: a room by its two users, the lower id first; a group by its id; a
 * chat with the bot by its user, and by the number of the question where the message is an answer.
 */
export interface ChatTargets {
  room: { readonly low: number; readonly high: number };
  group: number;
  bot: { readonly userId: number; readonly answers?: number };
}

export type ChatKindName = keyof ChatTargets;

/** `T` for each kind of chat, told apart by `kind`. */
type ForEachKind<T> = { [K in ChatKindName]: { kind: K; target: ChatTargets[K] } & T }[ChatKindName];

/** A message is stored, and has its number. Not published for a repeat (the same `client_id`). */
export type MessageStored = ForEachKind<{
  conversationId: number;
  seq: number;
  timestamp: Date;
  sender: Identity;
  body: string;
  clientId?: string | undefined;
  extras?: Extras | undefined;
  /** Of the message that it answers. */
  quote?: QuotedMessage | undefined;
  /** Users who are named in it, or whom it answers; all others only where `extras.everyone`. */
  notified?: readonly number[] | undefined;
}>;

/** Of one message: how many have reacted with an emoji. */
export interface ReactionTotal {
  emoji: string;
  count: number;
}

/** A user has reacted with an emoji, or has taken that back. */
export interface ReactionGiven {
  userId: number;
  emoji: string;
  isOn: boolean;
}

/** A message was edited or deleted, or users have reacted to it. It is told as it is now, whatever has changed. */
export type MessageChanged = ForEachKind<{
  conversationId: number;
  /** The number of this change among those of the chat. */
  change: number;
  seq: number;
  senderId: number;
  body: string;
  extras?: Extras | undefined;
  quote?: QuotedMessage | undefined;
  createdAt: Date;
  editedAt: Date | null;
  deletedAt: Date | null;
  /** In the order in which they came to the message; none where it is deleted. */
  reactions: readonly ReactionTotal[];
  /** Whose reactions have changed, where these are the change. */
  reacted?: readonly ReactionGiven[] | undefined;
}>;

/** An admin has changed settings: all of them as they are stored now, null where the environment's holds. */
export interface SettingsChanged {
  version: number;
  registration: RegistrationMode | null;
  allowedDomains: readonly string[] | null;
  registrationsPerHour: number | null;
  /** Empty: none, whatever the environment says. */
  motd: string | null;
}

interface InGroup {
  groupId: number;
  userId: number;
}

/** A user has become a member of a group. */
export interface MemberJoined extends InGroup {
  /** The newest message; all up to it counts as read. */
  lastSeq: number;
  /** They have entered it, too, and get messages as they are written. Otherwise the owner has added them, or they have made the group. */
  isIn: boolean;
}

/** A membership has ended: given up, or ended by the owner. */
export interface MemberLeft extends InGroup {
  wasIn: boolean;
}

/** All memberships of a user have ended with their account. */
export interface MembershipsErased {
  userId: number;
  groups: readonly { groupId: number; wasIn: boolean }[];
}

/**
 * A member has entered a group, where they may have been already, or has left it and stays a member. Members who go offline leave by
 * `membersWentOffline`.
 */
export interface GroupEntered extends InGroup {
  /** The newest message: they have read up to it. */
  lastSeq: number;
  /** Whether they were in the group before. */
  wasIn: boolean;
  lastReadSeq: number;
}

/** Members who were in groups have gone offline, and are in no group any more. They stay members. One event for many. */
export interface MembersWentOffline {
  members: readonly MemberWentOffline[];
  /** By group: those on this node who were in it until now, and saw their presence. Undefined where the group was large. */
  viewers: ReadonlyMap<number, readonly number[] | undefined>;
}

interface MemberWentOffline extends InGroup {
  /** How far they have read the group. */
  lastReadSeq: number;
}

/** A user has asked for access to a group, or was granted or refused it. Where it was granted, `memberJoined` comes first. */
export interface AccessRequestChanged extends InGroup {
  ownerId: number;
  status: 'pending' | 'granted' | 'refused';
}

/**
 * A member has marked a chat as read. Marks are also moved by what other events report: `messageStored` moves that of the sender,
 * `groupEntered`, `groupLeft` and `membersWentOffline` those of the members.
 */
export interface ReadMarkMoved {
  conversationId: number;
  userId: number;
  /** The newest message of the chat. */
  lastSeq: number;
  lastReadSeq: number;
}

/** A user has changed how they want to be told of a chat, or where they keep it. As it crosses the wire. */
export interface ChatSettingsChanged {
  userId: number;
  chat_room_id?: number;
  chat_group_id?: number;
  notify: 'all' | 'mentions' | 'none';
  muted_until: string | null;
  is_favourite: boolean;
  is_archived: boolean;
}

/** The name or the owner of a group has changed, or whether it is frozen. */
export interface GroupChanged {
  groupId: number;
}

/** The owner of a group, or an admin, has handed it over. */
export interface OwnerChanged {
  groupId: number;
  ownerId: number;
  /** The former owner and the new one. */
  members: readonly { userId: number; isIn: boolean }[];
}

/** Groups whose owner has left for good have new owners. */
export interface GroupsInherited {
  /** New owners, by group. */
  heirs: ReadonlyMap<number, number>;
}

/** A user has blocked another one, or taken a block back. */
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

/** A session has ended. Its sockets are closed. */
export interface SessionEnded extends Identity {
  by: SessionEnd;
}

/**
 * All domain events by name. A transaction records an event (`DomainEvents.record`), and it is published after the commit: events of one
 * transaction in the order of recording, messages of one chat in the order of `seq`, changes of one chat in the order of `change`.
 */
export interface DomainEventMap {
  messageStored: MessageStored;
  messageChanged: MessageChanged;
  memberJoined: MemberJoined;
  memberLeft: MemberLeft;
  groupEntered: GroupEntered;
  groupLeft: GroupEntered;
  membersWentOffline: MembersWentOffline;
  membershipsErased: MembershipsErased;
  accessRequestChanged: AccessRequestChanged;
  readMarkMoved: ReadMarkMoved;
  chatSettingsChanged: ChatSettingsChanged;
  groupChanged: GroupChanged;
  /** An admin has deleted a group, and all memberships have ended with it. */
  groupDeleted: GroupChanged;
  ownerChanged: OwnerChanged;
  groupsInherited: GroupsInherited;
  settingsChanged: SettingsChanged;
  /** A message was reported, or a report was settled. */
  reportChanged: { reportId: number };
  /** A user is new, has another name, was erased, or was last seen at a time that is known only now. */
  userChanged: { userId: number };
  accountErased: { userId: number };
  /** An export of what is a user's own was asked for. */
  exportRequested: { userId: number };
  /** An admin has suspended a user. Their sessions end by events of their own. */
  userSuspended: { userId: number };
  blockChanged: BlockChanged;
  sessionEnded: SessionEnded;
  /** A socket is bound to a user's session. Its first message waits until all listeners are done. */
  socketBound: { userId: number; socket: BoundSocket };
  /** A user has opened their first socket on this node. */
  arrived: { userId: number };
  /** No socket of the user is open on this node, and none is expected back here. */
  departed: { userId: number; at: Date };
  /** That is stored, and the user is still online by another node. */
  movedAway: { userId: number };
  /** A user who was offline has opened a socket, on whichever node. */
  wentOnline: { userId: number };
  /** The last socket of a user has closed; they stay online for some seconds. `heardAt`: when it was last heard, on the clock of `now()`. */
  disconnected: { userId: number; heardAt: number };
  /** No socket of the user is open on any node, and none is expected back. `isOurs`: this node found that out, and no other does. */
  wentOffline: { userId: number; isOurs: boolean };
}

export type DomainEventName = keyof DomainEventMap;

/**
 * Events that other nodes have to hear of: they end sessions, move sockets, and change settings. What other events lead to is published, or written, by the
 * node on which they happened, and packets reach the sockets of all nodes.
 */
export const TOLD = [
  'memberJoined',
  'memberLeft',
  'groupEntered',
  'groupLeft',
  'membersWentOffline',
  'membershipsErased',
  'groupDeleted',
  'blockChanged',
  'sessionEnded',
  'accountErased',
  'userSuspended',
  'settingsChanged',
] as const satisfies DomainEventName[];

export type ToldName = (typeof TOLD)[number];

/** What other nodes hear of an event: ids, since they read the rows, and to whom it is of interest. */
export interface ToldMap {
  memberJoined: InGroup & { isIn: boolean };
  memberLeft: InGroup;
  groupEntered: InGroup & { wasIn: boolean };
  groupLeft: InGroup;
  membersWentOffline: { members: (InGroup & { isSmall: boolean })[] };
  membershipsErased: { userId: number; groups: { groupId: number }[] };
  groupDeleted: GroupChanged;
  blockChanged: BlockChanged;
  sessionEnded: SessionEnded;
  accountErased: { userId: number };
  userSuspended: { userId: number };
  settingsChanged: { version: number };
}

const inGroup = ({ groupId, userId }: InGroup): InGroup => ({ groupId, userId });

export const toTold: { [N in ToldName]: (event: DomainEventMap[N]) => ToldMap[N] } = {
  memberJoined: ({ isIn, ...joined }) => ({ ...inGroup(joined), isIn }),
  memberLeft: inGroup,
  groupEntered: ({ wasIn, ...entered }) => ({ ...inGroup(entered), wasIn }),
  groupLeft: inGroup,
  membersWentOffline: ({ members, viewers }) => ({
    members: members.map((gone) => ({ ...inGroup(gone), isSmall: viewers.get(gone.groupId) !== undefined })),
  }),
  membershipsErased: ({ userId, groups }) => ({ userId, groups: groups.map(({ groupId }) => ({ groupId })) }),
  groupDeleted: ({ groupId }) => ({ groupId }),
  blockChanged: ({ blockerId, blockedId }) => ({ blockerId, blockedId }),
  sessionEnded: ({ userId, sessionId, by }) => ({ userId, sessionId, by }),
  accountErased: ({ userId }) => ({ userId }),
  userSuspended: ({ userId }) => ({ userId }),
  settingsChanged: ({ version }) => ({ version }),
};
