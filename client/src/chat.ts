import { CatchUp } from './catch-up.js';
import { chatKey } from './chat-key.js';
import { Settings } from './chat-settings.js';
import type { Core } from './core.js';
import { Draft } from './draft.js';
import { Edits } from './edits.js';
import { ParleyError } from './errors.js';
import type { CachedRow } from './inbox.js';
import { LoadedMessages } from './loaded.js';
import { Reactions } from './reactions.js';
import { ReadMarks } from './read-marks.js';
import { computed, frozen, hasSameFields, Value, type Store, type Until } from './store.js';
import { summaryOf } from './summary.js';
import { TimelineItems } from './timeline.js';
import type { ChatRef, ChatSettings, ChatSummary, Item, Message, Reaction, Sent, Timeline, User } from './data.js';
import type {
  Attached,
  ChangeChatSettings,
  Chat,
  HistoryQuery,
  May,
  ReportReason,
  Rows,
  Sending,
  SendOptions,
} from './types.js';
import { Typing } from './typing.js';
import { Views } from './views.js';
import { newerOf } from './window.js';
import type {
  WireListedSettings,
  WireMessage,
  WireNotice,
  WireReacted,
  WireReactionChange,
  WireSaid,
  WireUnread,
} from './wire.js';

/** Of a message, from wherever. */
export type Row = Omit<Message | WireMessage, 'reactions'> & { readonly reactions?: readonly Reaction[] | undefined };

const FIELDS = [
  'seq',
  'user_id',
  'message',
  'timestamp',
  'client_id',
  'edited_at',
  'deleted',
  'change',
  'reply_to',
  'mentions',
  'reactions',
] as const;

/** What rooms, groups and the bot's chat have in common: what is known of a chat, and what becomes of everything that is heard of it. */
export abstract class BaseChat implements Chat {
  readonly key: string;
  readonly timeline: Store<Timeline>;
  readonly summary: Store<ChatSummary | undefined>;
  /** The same, be it listed or not. */
  readonly listRow: Store<ChatSummary>;
  readonly typing: Typing;
  readonly receipts = new Value<ReadonlyMap<number, number>>(new Map());
  readonly draft: Draft;
  abstract readonly may: Store<May>;
  /** Of a room. */
  readonly other: Store<User | undefined> | undefined;

  /** `chat_room_id`, or the group's. Undefined: no message was sent yet. */
  id: number | undefined;
  lastSeq = 0;
  lastChange = 0;
  /** How far oneself has read, as the server knows it. */
  readSeq = 0;
  lastMessage: Message | null = null;
  private mentionCount = 0;
  /** It stands in the inbox. */
  isListed = false;
  /** When it came into being here, where it has no message to be sorted by. */
  bornAt = 0;
  /** As this device remembers it, until the server says who it is. */
  cachedTitle = '';

  readonly loaded: LoadedMessages;
  readonly catchUp: CatchUp;
  readonly marks: ReadMarks;
  readonly views: Views;
  readonly edits: Edits;
  readonly reactions: Reactions;
  readonly settings: Settings;
  private readonly items: TimelineItems;
  /** Rises with everything that the timeline or the summary shows. */
  private readonly version = new Value(0);

  constructor(
    readonly core: Core,
    readonly ref: ChatRef,
  ) {
    this.key = chatKey(ref);
    this.draft = new Draft(this);
    this.typing = new Typing(this);
    this.loaded = new LoadedMessages(this);
    this.catchUp = new CatchUp(this);
    this.marks = new ReadMarks(this);
    this.views = new Views(this);
    this.edits = new Edits(this);
    this.reactions = new Reactions(this);
    this.settings = new Settings(this);
    this.items = new TimelineItems(this);
    this.timeline = computed(this.version, () => this.items.build());
    this.listRow = computed(core.version, () => summaryOf(this), hasSameFields);
    this.summary = computed(core.version, () => (this.isListed || this.title ? this.listRow.get() : undefined));
  }

  /** What a packet says to reach this chat. */
  abstract get address(): object;
  /** Where its history is read; undefined: there is none yet. */
  abstract get path(): string | undefined;
  abstract get title(): string;
  /** What requests call it; undefined: it is nowhere to be found yet. */
  abstract get place(): object | undefined;

  /* ------------------------------------------------------------------------------------------------------------ What is shown */

  /** Something that is shown has changed. */
  bump(): void {
    this.version.set(this.version.get() + 1);
    this.core.bump();
  }

  get unread(): number {
    return Math.max(0, this.lastSeq - this.readSeq);
  }

  get unreadMentions(): number {
    return Math.min(this.mentionCount, this.unread);
  }

  /** What stands behind everything else: an answer that forms. */
  extraItems(): readonly Item[] {
    return [];
  }

  /** Of a stored message; those of this user keep the key that they were shown under before they were stored. */
  keyOf(message: Message): string {
    const isMine = message.user_id === this.core.userId;
    return isMine && message.client_id !== undefined ? message.client_id : `#${message.seq}`;
  }

  /** Of what else stands in the row, nothing. */
  toMessage(row: Row): Message {
    const given = FIELDS.filter((name) => row[name] !== undefined && (name !== 'reactions' || row.reactions?.length));
    return frozen(Object.fromEntries(given.map((name) => [name, row[name]])) as unknown as Message);
  }

  /** As the server answers this user: what it does not call theirs is not. */
  toOwnView(row: Row): Message {
    return this.toMessage({ ...row, reactions: row.reactions?.map((one) => ({ is_mine: false, ...one })) });
  }

  /** What this user is about to say, or has said, as far as it is shown before the server shows it. */
  shownAs({ message, reply_to, mentions }: WireSaid): Pick<Message, 'user_id' | 'message' | 'reply_to' | 'mentions'> {
    return {
      user_id: this.core.userId,
      message,
      ...(reply_to !== undefined && { reply_to: this.loaded.quote(reply_to) }),
      ...(mentions && { mentions }),
    };
  }

  /* ------------------------------------------------------------------------------------------------------------- What happens */

  /** As a list says it, which was asked for after this connection began. */
  protected listed(
    row: {
      last_seq: number;
      last_change: number;
      last_read_seq: number;
      last_message: WireMessage | null;
      unread_mentions?: number;
    } & WireListedSettings,
  ): void {
    this.isListed = true;
    this.lastSeq = Math.max(this.lastSeq, row.last_seq);
    this.lastChange = Math.max(this.lastChange, row.last_change);
    // May go back: what was told to a connection that broke was not read.
    this.readSeq = row.last_read_seq;
    this.counted(row);
    this.settings.told(row);
    const last = row.last_message && this.toOwnView(row.last_message);
    if (last && last.seq >= (this.lastMessage?.seq ?? 0)) this.lastMessage = this.loaded.upToDate(last);
    this.bump();
  }

  /** As the server counts it. */
  counted({ unread_mentions = 0 }: WireUnread): void {
    if (unread_mentions === this.mentionCount) return;
    this.mentionCount = unread_mentions;
    this.bump();
  }

  /** A new message names this user, or may. */
  called(seq: number): void {
    if (seq <= this.readSeq) return;
    this.mentionCount++;
    this.core.mentions.recountSoon();
  }

  /** As this device remembers it, before the server answers. */
  cached({ id, last_message, lastSeq, readSeq, title, mentions = 0, settings = {} }: CachedRow): void {
    if (this.id === undefined) this.foundId(id);
    this.lastMessage = last_message && Object.freeze(last_message);
    this.lastSeq = lastSeq;
    this.readSeq = readSeq;
    this.cachedTitle = title;
    this.isListed = true;
    this.mentionCount = mentions;
    this.settings.told(settings);
  }

  /** A live event. */
  onMessage(row: WireMessage): void {
    const message = this.loaded.upToDate(this.toMessage(row));
    if (this.heard(message)) this.core.isNew(this, message);
  }

  /** A message that has just been stored, by anybody. @returns whether it is new here */
  heard(message: Message, sent?: Sent): boolean {
    const { core, lastSeq, loaded } = this;
    const { seq, user_id } = message;
    if (seq > lastSeq + 1 && loaded.isAtEnd)
      core.emit('gap', { key: this.key, from: lastSeq + 1, to: seq - 1, kind: 'seq' });
    if (seq >= lastSeq) this.lastMessage = this.lastMessage?.seq === seq ? newerOf(this.lastMessage, message) : message;
    this.lastSeq = Math.max(lastSeq, seq);
    const isMine = user_id === core.userId;
    if (isMine) {
      // Who writes has read.
      this.read(seq);
      this.marks.saw(seq);
    } else if (user_id !== null) this.receipt(user_id, seq);
    this.isListed = true;
    loaded.append(message);
    this.bump();
    const isNew = seq > lastSeq;
    if (isNew) this.typing.stop(user_id ?? 0);
    if (isMine) core.outbox.heard(this.key, message, sent);
    return isNew;
  }

  /** An own message was acknowledged, to this tab or another. */
  stored(sent: Sent): void {
    const message = this.toMessage(sent);
    this.loaded.acknowledged(message);
    if (this.heard(message, sent)) this.core.isNew(this, message);
  }

  /** A live event tells of an edit, a deletion, or reactions. */
  onChange(row: WireMessage & { changed?: readonly WireReactionChange[] }): void {
    const { reactions, changed } = row;
    const mine = new Map(
      changed?.filter(({ user_id }) => user_id === this.core.userId).map(({ emoji, is_on }) => [emoji, is_on]),
    );
    this.changed(
      this.toMessage({ ...row, reactions: reactions?.map((one) => ({ ...one, is_mine: mine.get(one.emoji) })) }),
    );
    // It may name nobody any more.
    if (!changed && this.mentionCount > 0) this.core.mentions.recountSoon();
  }

  /** What this user has asked for is stored. Most often, the event came before. */
  async onReacted({ seq, change = 0, reactions }: WireReacted): Promise<void> {
    const { loaded } = this;
    const message = loaded.known(seq);
    const isNext = change === loaded.knownChange + 1 || change === message?.change;
    if (message && isNext) this.changed(this.toOwnView({ ...message, change, reactions }));
    else if (change > loaded.knownChange) {
      // What else was changed before it has to come first.
      this.lastChange = Math.max(this.lastChange, change);
      await this.catchUp.now();
    }
  }

  private changed(message: Message): void {
    const { loaded } = this;
    const { knownChange } = loaded;
    const change = message.change ?? 0;
    if (change === knownChange + 1) loaded.knownChange = change;
    else if (this.isAttached && loaded.hasWindow && change > knownChange + 1) {
      this.core.emit('gap', { key: this.key, from: knownChange + 1, to: change - 1, kind: 'change' });
      this.catchUp.soon();
    }
    this.lastChange = Math.max(this.lastChange, change);
    loaded.apply(message);
    this.bump();
  }

  /** From now on it has this id. */
  foundId(id: number | undefined): void {
    if (id === undefined || this.id === id) return;
    this.id = id;
    this.core.chats.foundId(this);
  }

  /** Somebody came or went. */
  onNotice(notice: WireNotice): void {
    if (!this.loaded.isAtEnd) return;
    this.items.notice(notice);
    this.bump();
  }

  /** Somebody else has read up to here. */
  receipt(userId: number, seq: number): void {
    const { receipts } = this;
    if (seq <= (receipts.get().get(userId) ?? 0)) return;
    receipts.set(new Map(receipts.get()).set(userId, seq));
  }

  /** This user has read up to here, on whichever device. */
  read(seq: number): void {
    if (seq <= this.readSeq) return;
    this.readSeq = seq;
    if (this.unread === 0) this.mentionCount = 0;
    else if (this.mentionCount > 0) this.core.mentions.recountSoon();
    this.bump();
  }

  /** The chat is not this user's any more. Drafts stay. */
  protected forgetMessages(): void {
    this.isListed = false;
    this.lastSeq = this.lastChange = this.readSeq = this.bornAt = this.mentionCount = 0;
    this.settings.told({});
    this.lastMessage = null;
    this.cachedTitle = '';
    this.loaded.forget();
    this.items.forget();
    this.edits.overlays.clear();
    this.reactions.forget();
    this.typing.stopAll();
    this.marks.forget();
    this.catchUp.stop();
    this.receipts.set(new Map());
    this.bump();
  }

  /** Nobody is signed in any more, or somebody else. */
  forget(): void {
    this.forgetMessages();
    this.id = undefined;
    this.draft.forget();
    this.views.forget();
    this.loaded.notReady(new ParleyError('signed_out', 'Nobody is signed in.'));
  }

  /* --------------------------------------------------------------------------------------------------------- Being looked at */

  attach(options?: Until): Attached {
    return this.views.attach(options);
  }

  get isAttached(): boolean {
    return this.views.isAttached;
  }

  get isLooking(): boolean {
    return this.views.isLooking;
  }

  /** The first view was attached. */
  opened(): void {
    this.marks.opened();
    this.catchUp.opened();
    this.bump();
  }

  /** The last view is gone. */
  closed(): void {
    this.marks.closed();
    this.catchUp.stop();
    this.loaded.closed();
    this.bump();
  }

  /** Somebody begins to look. */
  looks(): void {
    this.marks.sendSoon();
  }

  /** Nobody looks any more. */
  away(): void {
    void this.marks.send();
  }

  /** Lists have been read. Resolves once an open chat has what it missed. */
  synced(): Promise<void> {
    if (!this.isAttached) return Promise.resolve();
    this.marks.fixNewFrom();
    this.views.looked();
    return this.catchUp.synced();
  }

  /* --------------------------------------------------------------------------------------------------------- What callers ask */

  loadOlder(): Promise<void> {
    return this.loaded.loadOlder();
  }

  loadNewer(): Promise<void> {
    return this.loaded.loadNewer();
  }

  jumpTo(where: { readonly seq: number } | { readonly date: Date } | 'new' | 'end'): Promise<number> {
    return this.loaded.jumpTo(where);
  }

  history(query?: HistoryQuery, options?: Until): Promise<readonly Message[]> {
    return this.loaded.history(query, options);
  }

  send(message: string, options: Until & SendOptions = {}): Sending {
    this.loaded.keepQuoted(options.reply_to);
    const sending = this.core.outbox.add(this.key, message, options);
    const isAccepted = this.core.outbox.entries(this.key).some((entry) => entry.client_id === sending.client_id);
    if (!isAccepted) return sending;
    if (options.client_id === undefined) this.setDraft('');
    this.isListed = true;
    this.bornAt ||= this.core.clock.now();
    return sending;
  }

  retry(client_id: string): Sending {
    return this.core.outbox.retry(this.key, client_id);
  }

  discard(client_id: string): string | undefined {
    return this.core.outbox.discard(this.key, client_id);
  }

  async edit(seq: number, message: string, { mentions }: Pick<SendOptions, 'mentions'> = {}): Promise<Message> {
    if (mentions) await this.core.server.need('mentions');
    return this.edits.ask('PUT', seq, { pending: 'edit', message }, { body: { message, mentions } });
  }

  async delete(seq: number): Promise<void> {
    await this.edits.ask('DELETE', seq, { pending: 'delete', message: '' });
  }

  react(seq: number, emoji: string, is_on = true): Promise<void> {
    return this.reactions.set(seq, emoji, is_on);
  }

  reactedBy(seq: number, emoji: string, options?: Until): Promise<Rows<number>> {
    return this.reactions.people(seq, emoji, options);
  }

  /** @throws ParleyError */
  async report(seq: number, reason: ReportReason, note?: string): Promise<void> {
    const { core, place } = this;
    await core.server.need('reports');
    await core.http.ask('POST', 'reports', { body: { ...place, seq, reason, note } });
  }

  seen(seq: number): void {
    this.marks.seen(seq);
  }

  /** @throws ParleyError */
  async markRead(seq: number): Promise<void> {
    const isCurrent = this.core.guard();
    const { place } = this;
    if (place) await this.core.link.emit('read', { ...place, seq });
    if (isCurrent()) this.read(seq);
  }

  setSettings(change: ChangeChatSettings): Promise<ChatSettings> {
    return this.settings.set(change);
  }

  typed(): void {
    this.typing.say();
  }

  setDraft(text: string): void {
    this.draft.change(text);
  }
}
