import { CatchUp } from './catch-up.js';
import { chatKey } from './chat-key.js';
import type { Core } from './core.js';
import { Draft } from './draft.js';
import { Edits } from './edits.js';
import { ParleyError } from './errors.js';
import type { CachedRow } from './inbox.js';
import { LoadedMessages } from './loaded.js';
import { ReadMarks } from './read-marks.js';
import { computed, hasSameFields, Value, type Store, type Until } from './store.js';
import { summaryOf } from './summary.js';
import { TimelineItems } from './timeline.js';
import type {
  Attached,
  Chat,
  ChatRef,
  ChatSummary,
  HistoryQuery,
  Item,
  May,
  Message,
  Sending,
  Timeline,
  User,
} from './types.js';
import { Typing } from './typing.js';
import { Views } from './views.js';
import { newerOf } from './window.js';
import type { WireMessage, WireNotice } from './wire.js';

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

  /* ------------------------------------------------------------------------------------------------------------ What is shown */

  /** Something that is shown has changed. */
  bump(): void {
    this.version.set(this.version.get() + 1);
    this.core.bump();
  }

  get unread(): number {
    return Math.max(0, this.lastSeq - this.readSeq);
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

  toMessage(row: WireMessage): Message {
    const { seq, user_id, message, timestamp, client_id, edited_at, deleted, change } = row;
    return Object.freeze({
      seq,
      user_id,
      message,
      timestamp,
      ...(client_id !== undefined && { client_id }),
      ...(edited_at !== undefined && { edited_at }),
      ...(deleted && { deleted }),
      ...(change !== undefined && { change }),
    });
  }

  /* ------------------------------------------------------------------------------------------------------------- What happens */

  /** As a list says it, which was asked for after this connection began. */
  protected listed(row: {
    last_seq: number;
    last_change: number;
    last_read_seq: number;
    last_message: WireMessage | null;
  }): void {
    this.isListed = true;
    this.lastSeq = Math.max(this.lastSeq, row.last_seq);
    this.lastChange = Math.max(this.lastChange, row.last_change);
    // May go back: what was told to a connection that broke was not read.
    this.readSeq = row.last_read_seq;
    const last = row.last_message && this.toMessage(row.last_message);
    if (last && last.seq >= (this.lastMessage?.seq ?? 0)) this.lastMessage = this.loaded.upToDate(last);
    this.bump();
  }

  /** As this device remembers it, before the server answers. */
  cached({ id, last_message, lastSeq, readSeq, title }: CachedRow): void {
    this.id ??= id;
    this.lastMessage = last_message && Object.freeze(last_message);
    this.lastSeq = lastSeq;
    this.readSeq = readSeq;
    this.cachedTitle = title;
    this.isListed = true;
  }

  /** A live event. */
  onMessage(row: WireMessage): void {
    const message = this.toMessage(row);
    if (this.heard(message)) this.core.isNew(this, message);
  }

  /** A message that has just been stored, by anybody. @returns whether it is new here */
  heard(message: Message): boolean {
    const { core, lastSeq, loaded } = this;
    const { seq, user_id } = message;
    if (seq > lastSeq + 1 && loaded.isAtEnd)
      core.emit('gap', { key: this.key, from: lastSeq + 1, to: seq - 1, kind: 'seq' });
    if (seq >= lastSeq) this.lastMessage = this.lastMessage?.seq === seq ? newerOf(this.lastMessage, message) : message;
    this.lastSeq = Math.max(lastSeq, seq);
    const isMine = user_id === core.userId;
    if (isMine) {
      // Who writes has read.
      this.readSeq = Math.max(this.readSeq, seq);
      this.marks.saw(seq);
    } else if (user_id !== null) this.receipt(user_id, seq);
    this.isListed = true;
    loaded.append(message);
    this.bump();
    const isNew = seq > lastSeq;
    if (isNew) this.typing.stop(user_id ?? 0);
    if (isMine) core.outbox.heard(this.key, message);
    return isNew;
  }

  /** An own message was acknowledged, to this tab or another. */
  stored(message: Message): void {
    this.loaded.acknowledged(message);
    if (this.heard(message)) this.core.isNew(this, message);
  }

  /** A live event tells of an edit or a deletion. */
  onChange(row: WireMessage): void {
    const message = this.toMessage(row);
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
    this.bump();
  }

  /** The chat is not this user's any more. Drafts stay. */
  protected forgetMessages(): void {
    this.isListed = false;
    this.lastSeq = this.lastChange = this.readSeq = this.bornAt = 0;
    this.lastMessage = null;
    this.cachedTitle = '';
    this.loaded.forget();
    this.items.forget();
    this.edits.overlays.clear();
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
  away(): void {}

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

  send(message: string, options: Until & { readonly client_id?: string } = {}): Sending {
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

  edit(seq: number, message: string): Promise<Message> {
    return this.edits.ask('PUT', seq, { pending: 'edit', message }, { body: { message } });
  }

  async delete(seq: number): Promise<void> {
    await this.edits.ask('DELETE', seq, { pending: 'delete', message: '' });
  }

  seen(seq: number): void {
    this.marks.seen(seq);
  }

  /** @throws ParleyError */
  async markRead(seq: number): Promise<void> {
    const isCurrent = this.core.guard();
    await this.sendMark(seq);
    if (isCurrent()) this.read(seq);
  }

  protected abstract sendMark(seq: number): Promise<unknown>;

  typed(): void {
    this.typing.say();
  }

  setDraft(text: string): void {
    this.draft.change(text);
  }
}
