import { setTimeout as sleep } from 'node:timers/promises';
import { type Chat, type MessageItem, ParleyError, type ParleyClient } from 'parley-client';
import { between, seeded, seedOf } from '../../client/src/testing/random.js';
import { newClient } from '../support/person.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import type { ShownRow } from './stored.js';
import { type Doer, groupOf, type Place, type Record, roomOf, type Sent } from './record.js';

const PAUSE_MS = [100, 700] as const;
/** Own messages that wait at any time. */
const MOST_WAITING = 10;
/** Messages that are answered and reacted to are among the newest so many. */
const RECENT = 30;
const EMOJI = ['👍', '🎉', '❤️'];
/** After the last fault, until everything that was written is stored or refused. */
const SETTLES_WITHIN_MS = 120_000;

/** Somebody with `parley-client`, which sends again, reconnects and catches up by itself, through a balancer that knows no node for long. */
export class AppUser implements Doer {
  readonly chats = new Map<string, Chat>();
  private readonly random: () => number;
  private readonly waiting = new Set<Promise<unknown>>();
  private count = 0;

  private constructor(
    readonly id: number,
    readonly name: string,
    private readonly place: Place,
    private readonly record: Record,
    private readonly balancer: TcpProxy,
    readonly client: ParleyClient,
    seed: number,
  ) {
    this.random = seeded(seedOf(seed, id));
  }

  /** Signs in, and opens some groups and the rooms with some people. */
  static async start(
    { id, token }: { id: number; token: string },
    name: string,
    place: Place,
    record: Record,
    groups: readonly number[],
    others: readonly Doer[],
    seed: number,
  ): Promise<AppUser> {
    const balancer = await TcpProxy.start(place.nodes[0].port);
    const client = newClient(`http://127.0.0.1:${balancer.port}`);
    const user = new AppUser(id, name, place, record, balancer, client, seed);
    await client.useToken(token);
    for (const groupId of groups) user.chats.set(groupOf(groupId), client.group(groupId));
    for (const other of others) user.chats.set(roomOf(id, other.id), client.room(other.id));
    for (const chat of user.chats.values()) chat.attach();
    return user;
  }

  /** Does things until then. */
  async live(until: number): Promise<void> {
    while (performance.now() < until) {
      await sleep(between(this.random, PAUSE_MS));
      const draw = this.random();
      if (draw < 0.65) this.write();
      else if (draw < 0.8) this.react();
      else if (draw < 0.95) this.balancer.leadTo(this.node());
      else this.cut();
    }
  }

  /** Waits until all that was written is stored or refused, and everything is loaded. */
  async settle(): Promise<void> {
    const giveUp = AbortSignal.timeout(SETTLES_WITHIN_MS);
    const settled = Promise.all(this.waiting);
    await Promise.race([settled, sleep(SETTLES_WITHIN_MS, undefined, { ref: false })]);
    if (giveUp.aborted)
      this.record.wrong.push(`${this.name}: ${this.waiting.size} messages were neither taken nor refused`);
    for (const chat of this.chats.values())
      while (!chat.timeline.get().at_start && !giveUp.aborted)
        // What fails is tried again.
        await chat.loadOlder().catch(() => sleep(100));
  }

  /** What the timeline of a chat holds. */
  shown(chat: string): ShownRow[] {
    return this.messages(this.chats.get(chat)!).map(({ seq, message, deleted, reply_to, reactions = [] }) => ({
      seq,
      text: message,
      isDeleted: deleted === true,
      quoted: reply_to?.message,
      reactions: reactions.map(({ emoji, count }) => `${emoji} ${count}`).sort(),
    }));
  }

  private messages(chat: Chat): MessageItem[] {
    return chat.timeline.get().items.filter((item): item is MessageItem => item.kind === 'message');
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.balancer.close();
  }

  private node(): number {
    const { nodes } = this.place;
    return nodes[Math.floor(this.random() * nodes.length)].port;
  }

  /** As a network that changes does it. */
  private cut(): void {
    this.balancer.leadTo(this.node());
    this.balancer.refuse();
    this.balancer.accept();
    this.record.count('lost the network');
  }

  private write(): void {
    if (this.waiting.size >= MOST_WAITING) return;
    const [name, chat] = this.any();
    const text = `${this.name} ${++this.count}`;
    const one = this.random() < 0.3 ? this.ofLate(chat) : undefined;
    const sending = chat.send(text, { ...(one && { reply_to: one }) });
    const sent: Sent = { by: this, chat: name, text, clientId: sending.client_id };
    this.record.sent.push(sent);
    const done = sending.then(
      ({ seq }) => {
        sent.seq = seq;
        this.record.count('message by parley-client');
      },
      (error: unknown) => {
        sent.refused = error instanceof ParleyError ? error.code : String(error);
        if (one && sent.refused === 'message_deleted') return;
        this.record.wrong.push(`${text} to ${name} failed: ${sent.refused}`);
      },
    );
    this.await(done);
  }

  /** Reacts to something of late, or takes that back; whatever becomes of it, the timeline shows it in the end. */
  private react(): void {
    const chat = this.any()[1];
    const seq = this.ofLate(chat);
    if (seq === undefined) return;
    const emoji = EMOJI[Math.floor(this.random() * EMOJI.length)];
    this.await(
      chat.react(seq, emoji, this.random() < 0.7).then(
        () => this.record.count('reacted by parley-client'),
        (error: unknown) => {
          if (!(error instanceof ParleyError)) this.record.wrong.push(`${this.name} could not react: ${String(error)}`);
        },
      ),
    );
  }

  private any(): [string, Chat] {
    return [...this.chats][Math.floor(this.random() * this.chats.size)];
  }

  /** One of the newest messages that are stored. */
  private ofLate(chat: Chat): number | undefined {
    const seqs = this.messages(chat).flatMap(({ seq, deleted }) => (seq === undefined || deleted ? [] : seq));
    const newest = seqs.slice(-RECENT);
    return newest[Math.floor(this.random() * newest.length)];
  }

  private await(work: Promise<unknown>): void {
    const settled = work.finally(() => this.waiting.delete(settled));
    this.waiting.add(settled);
  }
}
