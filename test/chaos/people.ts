import { setTimeout as sleep } from 'node:timers/promises';
import { between, seeded, seedOf } from '../../client/src/testing/random.js';
import type { MailServer } from '../support/mail-server.js';
import { askBot } from './chat-with-bot.js';
import { Device, isPassing } from './device.js';
import { comeAndGo } from './guest.js';
import { type Ban, type Block, type Doer, groupOf, type Place, type Reaction, type Record, roomOf } from './record.js';

export { Record } from './record.js';

/** Pauses of a person between two deeds. */
const PAUSE_MS = [0, 120] as const;
/** Until a request without an answer is carried out or given up: a node stands still for twelve seconds at most, and answers within ten. */
const LATE_MS = 30_000;
/** Messages that are answered and reacted to are among the newest so many. */
const RECENT = 30;
const EMOJI = ['👍', '🎉', '❤️'];
/** So long a block stands. */
const BLOCKED_MS = [100, 4_000] as const;

export interface Known {
  id: number;
  email: string;
  password: string;
  token: string;
}

/** Who and what there is. */
export interface World {
  readonly actors: Actor[];
  /** All to whom one may write, the actors among them. */
  readonly people: Doer[];
  readonly groups: number[];
  readonly mails: MailServer;
  readonly owner: () => Actor;
}

/** Somebody who does one thing after the other. */
export class Actor extends Device {
  declare token: string;
  /** Until when what this person has ended may be taken back by a try of before, that had no answer. */
  private readonly late = new Map<string, number>();

  constructor(
    private readonly known: Known,
    name: string,
    place: Place,
    record: Record,
    private readonly world: World,
    seed: number,
  ) {
    super(known.id, name, known.token, place, record, seeded(seedOf(seed, known.id)));
  }

  /** Does things until then. */
  async live(until: number): Promise<void> {
    // How often, in hundredths.
    const deeds: [number, () => unknown][] = [
      [50, () => this.talk(until)],
      [12, () => this.react()],
      [12, () => this.attend()],
      [7, () => this.change()],
      [6, () => this.hangUp()],
      [3, () => (this === this.world.owner() ? this.removeAndAdd() : this.logOutAndIn())],
      [3, () => this.blockAndUnblock(until)],
      [3, () => askBot(this, until)],
      [1, () => comeAndGo(this, this.place, this.world, this.random, until)],
      [3, () => this.read()],
    ];
    while (performance.now() < until) {
      await sleep(between(this.random, PAUSE_MS));
      let draw = this.random() * 100;
      await deeds.find(([share]) => (draw -= share) < 0)![1]();
    }
  }

  private others<T extends Doer>(those: readonly T[]): T[] {
    return those.filter(({ id }) => id !== this.id);
  }

  private async talk(until: number): Promise<void> {
    const { people, groups } = this.world;
    const [groupId, { id }] = [this.pick(groups), this.pick(this.others(people))];
    if (this.random() < 0.6) await this.sayInGroup(groupId, until, this.beside(groupOf(groupId)));
    else await this.sayTo(id, until, this.beside(roomOf(this.id, id)));
  }

  /** Answers something, or names somebody, now and then. */
  private beside(chat: string): object {
    const draw = this.random();
    if (draw < 0.2) return { mentions: { user_ids: [this.pick(this.world.people).id], everyone: draw < 0.05 } };
    const one =
      draw < 0.5 && this.pick(this.record.sent.filter((sent) => sent.chat === chat && sent.seq).slice(-RECENT));
    return one ? { reply_to: one.seq, is_silent: draw > 0.4 } : {};
  }

  /** Reacts to something of late, or takes that back, over HTTP or the socket. */
  private async react(): Promise<void> {
    const those = this.record.sent.filter(
      ({ chat, seq, roomId }) => seq && (roomId === undefined ? chat.startsWith('group') : this.isIn(chat)),
    );
    const one = this.pick(those.slice(-RECENT));
    if (!one) return;
    const [groupId, begun] = [Number(one.chat.slice(6)), performance.now()];
    const place = { conversationId: one.roomId ?? groupId, seq: one.seq!, emoji: this.pick(EMOJI) };
    const isOn = this.random() < 0.7;
    const known = this.record.reactions.find(
      ({ by, conversationId, seq, emoji }) =>
        by === this && conversationId === place.conversationId && seq === place.seq && emoji === place.emoji,
    );
    const reaction: Reaction = known ?? { by: this, ...place, isOn: undefined, mayComeLate: new Set() };
    if (!known) this.record.reactions.push(reaction);
    if (!(await this.setReaction(one.roomId === undefined, reaction, isOn))) return;
    reaction.isOn = isOn;
    this.record.count('reacted');
    const isWithin = ({ from, to }: Ban | Block) => begun > from && performance.now() < to;
    const isBanned = this.record.bans.some((ban) => ban.userId === this.id && ban.groupId === groupId && isWithin(ban));
    const isBlocked = this.record.blocks.some((block) => roomOf(block.by, block.of) === one.chat && isWithin(block));
    if (one.roomId === undefined ? isBanned : isBlocked)
      this.record.wrong.push(`${this.name} reacted in ${one.chat} to ${one.seq}, and was not allowed to`);
  }

  /** @returns whether it was acknowledged */
  private async setReaction(isGroup: boolean, reaction: Reaction, isOn: boolean): Promise<boolean> {
    const { conversationId, seq, emoji, mayComeLate } = reaction;
    if (this.random() < 0.5) {
      const place = isGroup ? { chat_group_id: conversationId } : { chat_room_id: conversationId };
      const answer = await this.emit({ ...place, seq, emoji, is_on: isOn }, 'react');
      if (isPassing(answer)) mayComeLate.add(isOn);
      return answer?.ok === true;
    }
    const path = `/http/${isGroup ? 'chat_groups' : 'chat_rooms'}/${conversationId}/messages/${seq}/reactions`;
    const answer = await this.ask('PUT', path, { emoji, is_on: isOn });
    if (answer.mayComeLate) mayComeLate.add(isOn);
    return answer.status < 300;
  }

  private isIn(room: string): boolean {
    return room.slice(5).split(':').map(Number).includes(this.id);
  }

  private async attend(): Promise<void> {
    const groupId = this.pick(this.world.groups);
    const answer = await this.emit({ chat_type: 'group', chat_group_id: groupId, is_enter: this.random() < 0.7 });
    if (answer?.ok) this.record.count('entered or left');
  }

  /** Edits or deletes one of their own. */
  private async change(): Promise<void> {
    const one = this.pick(this.record.sent.filter(({ by, seq }) => by === this && seq !== undefined));
    if (!one) return;
    const chat = one.roomId === undefined ? `chat_groups/${one.chat.slice(6)}` : `chat_rooms/${one.roomId}`;
    const path = `/http/${chat}/messages/${one.seq}`;
    const isEdit = this.random() < 0.5;
    const { status } = isEdit
      ? await this.ask('PUT', path, { message: `${one.text} (edited)` })
      : await this.ask('DELETE', path);
    if (status >= 300) return;
    if (isEdit) one.isEdited = true;
    else one.isDeleted = true;
    this.record.count('edited or deleted');
  }

  private async read(): Promise<void> {
    await this.ask('PUT', '/http/notifications', { chat_group_id: this.pick(this.world.groups) });
    this.record.count('marked as read');
  }

  /** The owner takes somebody out of a private group; from the answer on they must get and write nothing, until they are added again. */
  private async removeAndAdd(): Promise<void> {
    const groupId = this.world.groups[0];
    const { id: userId } = this.pick(this.others(this.world.actors));
    if (this.isLate(`member ${userId}`)) return;
    const { status } = await this.ask('DELETE', `/http/chat_groups/${groupId}/members/${userId}`);
    if (status >= 300) return;
    const ban: Ban = { userId, groupId, from: performance.now(), to: Infinity };
    this.record.bans.push(ban);
    this.record.count('removed');
    await sleep(between(this.random, [100, 3_000]));
    ban.to = performance.now();
    const added = await this.ask('POST', `/http/chat_groups/${groupId}/members`, { user_id: userId });
    if (added.mayComeLate) this.late.set(`member ${userId}`, performance.now() + LATE_MS);
  }

  /** From the answer on, neither of the two writes to the other, until it is taken back. */
  private async blockAndUnblock(until: number): Promise<void> {
    const other = this.pick(this.others(this.world.actors));
    if (this.isLate(`block ${other.id}`)) return;
    const { status } = await this.ask('PUT', `/http/users/${other.id}/block`);
    if (status >= 300) {
      this.record.wrong.push(`${this.name} could not block ${other.name}: ${status}`);
      return;
    }
    const block: Block = { by: this.id, of: other.id, from: performance.now(), to: Infinity };
    this.record.blocks.push(block);
    this.record.count('blocked');
    const { seq } = await this.sayTo(other.id, until);
    if (seq !== undefined) this.record.wrong.push(`${this.name} wrote to ${other.name}, whom they had blocked`);
    await sleep(between(this.random, BLOCKED_MS));
    block.to = performance.now();
    const unblocked = await this.ask('DELETE', `/http/users/${other.id}/block`);
    if (unblocked.mayComeLate) this.late.set(`block ${other.id}`, performance.now() + LATE_MS);
  }

  private isLate(what: string): boolean {
    return performance.now() < (this.late.get(what) ?? -Infinity);
  }

  /** From the answer on, the session can do nothing, on any node. */
  private async logOutAndIn(): Promise<void> {
    const { token, life } = this;
    const { status } = await this.ask('POST', '/http/logout', undefined, token);
    // A repeat of a logout whose answer was lost finds no session.
    if (status >= 300 && status !== 401) return;
    life.endedAt = performance.now();
    this.record.count('logged out');
    await this.assertMute(this.others(this.world.actors)[0].id);
    // Long enough for others to write to it.
    await sleep(between(this.random, [0, 300]));
    await this.assertDead(token);
    this.hangUp();
    const { email, password } = this.known;
    const login = await this.ask('POST', '/http/login', { email, password }, '');
    this.token = login.body.token;
    if (!this.token) this.record.wrong.push(`${this.name} could not log in again: ${login.status}`);
  }
}
