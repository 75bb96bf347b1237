import { strict as assert } from 'node:assert';
import type { ChatSocket, Person } from './client.js';

interface Heard {
  seq: number;
  user_id: number;
  message: string;
}

/**
 * One chat as a client keeps it that follows the protocol: it connects, fetches what is new with `after`, and then applies what
 * arrived meanwhile; with each connection anew.
 */
export class Reader {
  /** By number: what came twice is there once. */
  private readonly known = new Map<number, Heard>();
  private catchingUp: Promise<void> = Promise.resolve();

  constructor(
    readonly socket: ChatSocket,
    readonly person: Person,
    private readonly chatId: number,
    private readonly isGroup: boolean,
  ) {
    socket.on('message', (event) => {
      if (!('seq' in event)) return;
      const id = event.chat_type === 'group' ? event.chat_group_id : event.chat_room_id;
      if (id === chatId && (event.chat_type === 'group') === isGroup) this.hear(event);
    });
    socket.on('connect', () => this.catchUp());
    if (socket.connected) this.catchUp();
  }

  /** The numbers that are there, oldest first. */
  get seqs(): number[] {
    return [...this.known.keys()].sort((a, b) => a - b);
  }

  /** What it has now is what the history tells. */
  async check(history: Heard[]): Promise<void> {
    await this.catchingUp;
    assert.deepEqual(
      this.seqs.map((seq) => this.known.get(seq)),
      history.map(({ seq, user_id, message }) => ({ seq, user_id, message })),
    );
  }

  private hear({ seq, user_id, message }: Heard): void {
    const heard = { seq, user_id, message };
    // A number means one message for ever, also across a crash: nothing is told before it is on disk.
    if (this.known.has(seq)) assert.deepEqual(heard, this.known.get(seq));
    this.known.set(seq, heard);
  }

  private catchUp(): void {
    this.catchingUp = this.catchingUp.then(async () => {
      const path = `/http/${this.isGroup ? 'chat_groups' : 'chat_rooms'}/${this.chatId}`;
      for (let last = this.lastWithoutGap(); ;) {
        const answer = await this.person.get(`${path}?after=${last}`).catch(() => undefined);
        // Gone again: the next connection asks again.
        if (answer?.status !== 200 || answer.body.length === 0) return;
        for (const row of answer.body) this.hear(row);
        last = answer.body.at(-1).seq;
      }
    });
  }

  private lastWithoutGap(): number {
    let last = 0;
    while (this.known.has(last + 1)) last++;
    return last;
  }
}
