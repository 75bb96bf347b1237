import { BaseChat } from './chat.js';
import { Timer } from './clock.js';
import type { Core } from './core.js';
import { ParleyError } from './errors.js';
import { computed, onLook, Value, type Store } from './store.js';
import type { AccessRequest, GroupInfo, Member } from './data.js';
import type { Group, May } from './types.js';
import type {
  WireAccess,
  WireGroup,
  WireGroupNews,
  WireMember,
  WireNotice,
  WireNotification,
  WireGroupRead,
  WirePresence,
  WireRequest,
} from './wire.js';

/** Nobody has gone who comes back as soon as this. */
const LEAVE_AFTER_MS = 5_000;
/** Two devices that do not agree whether their user is in do not argue faster. */
const INSIST_EVERY_MS = 10_000;

const WRITE: May = { write: true };
const OUTSIDE: May = { write: false, why_not: 'not_member' };
const GONE: May = { write: false, why_not: 'gone' };
const FROZEN: May = { write: false, why_not: 'frozen' };

export class GroupChat extends BaseChat implements Group {
  readonly info: Store<GroupInfo | undefined>;
  readonly members = new Value<readonly Member[]>([]);
  readonly requests: Store<readonly AccessRequest[]>;
  readonly may: Store<May>;
  override id: number;
  private readonly leaveTimer = new Timer(() => void this.exit());
  private insistedAt = 0;
  private endInfo: (() => void) | undefined;
  private isReadingMembers = false;
  private readMembersAgain = false;
  private readonly requestsValue = new Value<readonly AccessRequest[]>([]);
  private isAskedForRequests = false;
  private requestsTurn = 0;

  constructor(
    core: Core,
    readonly groupId: number,
  ) {
    super(core, { type: 'group', group_id: groupId });
    this.id = groupId;
    this.requests = onLook(this.requestsValue, () => {
      if (this.isAskedForRequests) return;
      this.isAskedForRequests = true;
      void this.readRequests();
    });
    this.info = computed(core.version, () => core.groups.peek(groupId));
    this.may = computed(core.version, () => {
      const info = this.info.get();
      // Before the server answers, what this device remembers counts: whoever had it in their list was a member.
      if (!info) return core.isSynced ? GONE : this.isListed ? WRITE : OUTSIDE;
      return info.standing !== 'member' ? OUTSIDE : info.is_frozen ? FROZEN : WRITE;
    });
  }

  get address(): object {
    return { chat_type: 'group', ...this.place };
  }

  get path(): string {
    return `chat_groups/${this.groupId}`;
  }

  get place(): object {
    return { chat_group_id: this.groupId };
  }

  get title(): string {
    return this.info.get()?.name ?? '';
  }

  private get isMember(): boolean {
    return this.info.get()?.standing === 'member';
  }

  /** As the list of groups says it. */
  row(row: WireGroup): void {
    this.core.groups.row(row);
    if (row.is_member) this.listed(row);
    else this.left();
  }

  /* ------------------------------------------------------------------------------------------------------------ What is told */

  override onNotice(notice: WireNotice): void {
    super.onNotice(notice);
    const { kind, user_ids, count } = notice.notice;
    if (count > user_ids.length) return void this.readMembers();
    const ids = new Set(user_ids);
    const isIn = kind === 'entered';
    // Somebody who is new, or a member no more.
    if (!isIn || user_ids.some((id) => !this.members.get().some((member) => member.id === id))) void this.readMembers();
    this.changeMembers((member) =>
      ids.has(member.id) && member.is_in_group !== isIn ? { ...member, is_in_group: isIn } : member,
    );
  }

  onNotification(event: WireNotification | WireGroupRead): void {
    if ('user_id' in event) {
      // Whom it says were named were so in any of the messages since the last one.
      const { last_seq: seq, mentions, everyone: isEveryone = false, ...row } = event;
      const isNew = seq > this.lastSeq;
      if (seq >= this.lastSeq) this.lastMessage = this.loaded.upToDate(this.toMessage({ ...row, seq }));
      this.lastSeq = Math.max(this.lastSeq, seq);
      const isNamed = mentions?.includes(this.core.userId) ?? false;
      if (isNew) this.core.isNew(this, this.lastMessage!, { isNamed, isEveryone, isCertain: true });
    } else {
      this.lastSeq = Math.max(this.lastSeq, event.last_seq);
      this.read(event.last_read_seq);
    }
    this.isListed = this.isMember;
    this.loaded.reachFor();
    this.bump();
  }

  /** Whoever is in has read what comes by socket. */
  override onMessage(...args: Parameters<BaseChat['onMessage']>): void {
    this.read(args[0].seq);
    super.onMessage(...args);
  }

  onNews(event: WireGroupNews): void {
    const { core, groupId } = this;
    if ('deleted' in event) this.ended();
    else if ('name' in event) {
      const info = core.groups.update(event);
      if (info.is_owner) void this.readRequests();
    } else {
      const { owner_id } = event;
      if (owner_id !== undefined) core.groups.own(groupId, owner_id);
      if (event.is_member === true) {
        this.joined();
        // What was written last is not said.
        core.sync.readGroupsSoon();
      } else if (event.is_member === false) {
        // By whom is not said: the list knows whether one may come back.
        core.groups.stand(groupId, 'closed');
        this.left();
        core.sync.readGroupsSoon();
      } else if (!event.is_in) this.insist();
      if (this.isAttached) this.catchUp.soon();
      void this.readRequests();
    }
    this.bump();
  }

  onAccess({ user_id, status }: WireAccess): void {
    const { core } = this;
    if (user_id === core.userId) {
      // Asked by another device before this one was told that there is such a group.
      if (!this.info.get()) core.sync.readGroupsSoon();
      else if (status !== 'granted') core.groups.stand(this.groupId, status === 'pending' ? 'asked' : 'refused');
    } else void this.readRequests();
    core.emit('access', { group: this, user_id, status });
  }

  presence(changes: readonly WirePresence[]): void {
    const by = new Map(changes.map((change) => [change.user_id, change]));
    this.changeMembers((member) => {
      const change = by.get(member.id);
      if (!change) return member;
      const { is_online, last_seen } = change;
      return { ...member, is_online, last_seen, is_in_group: member.is_in_group && is_online };
    });
  }

  override receipt(userId: number, seq: number): void {
    super.receipt(userId, seq);
    this.changeMembers((member) =>
      member.id === userId && member.last_read_seq < seq ? { ...member, last_read_seq: seq } : member,
    );
  }

  /** `change` answers with the same object where nothing changes. */
  private changeMembers(change: (member: Member) => Member): void {
    const before = this.members.get();
    const after = before.map((member) => Object.freeze(change(member)));
    if (after.some((member, i) => member !== before[i])) this.members.set(after);
  }

  /** The group is there no more. */
  private ended(): void {
    this.core.groups.remove(this.groupId);
    this.left();
  }

  /** Is a member no more. */
  left(): void {
    if (this.isListed || this.members.get().length > 0) {
      this.forgetMessages();
      this.members.set([]);
      this.requestsValue.set([]);
    }
    this.bump();
  }

  override forget(): void {
    super.forget();
    this.id = this.groupId;
    this.leaveTimer.stop();
    this.members.set([]);
    this.requestsValue.set([]);
  }

  /* ---------------------------------------------------------------------------------------------------------- Being in it */

  override opened(): void {
    super.opened();
    if (this.core.isSynced) void this.readMembers();
    let last = this.info.get();
    // However one learns of it: somebody came or went for good, or another is the owner now.
    this.endInfo = this.info.listen((now) => {
      if (now?.member_count !== last?.member_count || now?.owner_id !== last?.owner_id) void this.readMembers();
      last = now;
    });
  }

  override closed(): void {
    super.closed();
    this.endInfo?.();
  }

  override synced(): Promise<void> {
    const done = super.synced();
    void this.readMembers();
    void this.readRequests();
    if (this.isLooking) this.enter();
    return done;
  }

  override looks(): void {
    super.looks();
    this.leaveTimer.stop();
    // Before the lists are read nobody knows what was unread; `synced` enters.
    if (this.core.isSynced) this.enter();
  }

  override away(): void {
    super.away();
    this.leaveTimer.set(this.core.clock, LEAVE_AFTER_MS);
  }

  private enter(): void {
    if (!this.isMember || !this.core.link.isOpen) return;
    this.core.link
      .emit('message', { ...this.address, is_enter: true })
      .then(() => this.read(this.lastSeq))
      .catch((error: unknown) => this.enterFailed(ParleyError.from(error)));
  }

  private enterFailed(error: ParleyError): void {
    const { core } = this;
    if (error.code === 'offline') return;
    core.log('warn', 'A group could not be entered.', { group: this.groupId, code: error.code });
    if (error.retryable)
      core.clock.after((error.retry_after_ms ?? 0) + 2_000 * (1 + core.random()), () => {
        if (this.isLooking) this.enter();
      });
  }

  private async exit(): Promise<void> {
    if (!this.isMember || (await this.views.isLookedAt()) || !this.core.link.isOpen) return;
    // What fails here heals by itself: whoever has no connection is out, and a mark that was moved too far is seen in no list.
    await this.core.link.emit('message', { ...this.address, is_enter: false }).catch(() => {});
  }

  /** Another device of this user has left while this one looks. */
  private insist(): void {
    const now = this.core.clock.now();
    if (!this.isLooking || now - this.insistedAt < INSIST_EVERY_MS) return;
    this.insistedAt = now;
    this.enter();
  }

  /* ---------------------------------------------------------------------------------------------------------------- Members */

  private async readMembers(): Promise<void> {
    const { core } = this;
    // What changed while the list was under way may not stand in it.
    if (this.isReadingMembers) this.readMembersAgain = true;
    if (this.isReadingMembers || !this.isAttached || !this.isMember || !core.link.isOpen) return;
    this.isReadingMembers = true;
    this.readMembersAgain = false;
    try {
      const rows = await core.read<WireMember>(`users/group/${this.groupId}`);
      if (rows && this.isMember) {
        this.members.set(rows.map((row) => this.member(row)));
        for (const row of rows) if (row.id !== core.userId) super.receipt(row.id, row.last_read_seq);
      }
    } finally {
      this.isReadingMembers = false;
      if (this.readMembersAgain) void this.readMembers();
    }
  }

  private member(row: WireMember): Member {
    const { role, is_in_group, last_read_seq } = row;
    return Object.freeze({ ...this.core.people.put(row), role, is_in_group, last_read_seq });
  }

  private async readRequests(): Promise<void> {
    const { core } = this;
    if (!this.isAskedForRequests || !this.info.get()?.is_owner || !core.isSynced) return;
    const isCurrent = core.guard();
    const turn = ++this.requestsTurn;
    // Who owns many groups does not ask about all of them at once.
    const isDue = (): boolean => isCurrent() && turn === this.requestsTurn;
    const rows = await core.groups.inTurn(async () =>
      isDue() ? core.read<WireRequest>(`chat_groups/access_requests/${this.groupId}`) : undefined,
    );
    if (!rows || !isDue()) return;
    this.requestsValue.set(
      rows.flatMap(({ requester, created_at }) =>
        requester ? [Object.freeze({ user: core.people.put(requester), created_at })] : [],
      ),
    );
  }

  async join(): Promise<void> {
    await this.core.http.ask('POST', this.path, { body: { is_enter: true } });
    this.joined();
    // Being in is for those who look.
    if (!this.isLooking) this.away();
  }

  private joined(): void {
    this.core.groups.stand(this.groupId, 'member');
    this.bornAt = this.core.clock.now();
    this.isListed = true;
    this.catchUp.soon();
    void this.readMembers();
    if (this.isLooking) this.enter();
    this.bump();
  }

  async leave(): Promise<void> {
    await this.remove(this.core.userId);
    this.core.groups.stand(this.groupId, this.info.get()?.is_private ? 'closed' : 'open');
    this.left();
  }

  async deleteGroup(): Promise<void> {
    await this.core.http.ask('DELETE', this.path);
    this.ended();
  }

  async askToJoin(): Promise<'asked' | 'joined'> {
    try {
      await this.core.http.ask('POST', `chat_groups/access_requests/${this.groupId}`, { body: {} });
    } catch (error) {
      if (ParleyError.is(error, 'open_group')) await this.join();
      else if (ParleyError.is(error, 'already_member')) this.joined();
      else throw error;
      return 'joined';
    }
    this.core.groups.stand(this.groupId, 'asked');
    return 'asked';
  }

  async answer(user_id: number, let_in: boolean): Promise<void> {
    const body = { requester_id: user_id, access: let_in };
    await this.core.http.ask('PUT', `chat_groups/access_requests/${this.groupId}`, { body });
    this.requestsValue.set(this.requestsValue.get().filter(({ user }) => user.id !== user_id));
    if (let_in) void this.readMembers();
  }

  async rename(name: string): Promise<void> {
    await this.change({ chat_group_name: name });
  }

  async handOver(user_id: number): Promise<void> {
    await this.change({ owner_id: user_id });
    this.requestsValue.set([]);
    void this.readMembers();
  }

  private async change(body: object): Promise<void> {
    const isCurrent = this.core.guard();
    const row = await this.core.http.ask<WireGroup>('PUT', this.path, { body });
    if (isCurrent()) this.core.groups.row(row);
  }

  async add(user_id: number): Promise<Member> {
    const row = await this.core.http.ask<WireMember>('POST', `${this.path}/members`, { body: { user_id } });
    const member = this.member(row);
    if (!this.members.get().some(({ id }) => id === user_id)) this.members.set([...this.members.get(), member]);
    return member;
  }

  async remove(user_id: number): Promise<void> {
    await this.core.http.ask('DELETE', `${this.path}/members/${user_id}`);
    this.members.set(this.members.get().filter(({ id }) => id !== user_id));
  }
}
