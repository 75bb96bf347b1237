import { strict as assert } from 'node:assert';
import type { Group, Message, MessageItem, ParleyClient } from 'parley-client';
import type { Target } from './client.js';
import { clientWith, until } from './person.js';

type Text = Pick<MessageItem, 'seq' | 'user_id' | 'message'>;
const textOf = ({ seq, user_id, message }: Text): Text => ({ seq: seq!, user_id, message });

/** A device on which somebody looks at a group, whatever happens to the server. */
export class Onlooker {
  /** Everything that was told as new. */
  private readonly told: Message[] = [];

  private constructor(
    readonly client: ParleyClient,
    private readonly group: Group,
  ) {
    client.on('message', ({ chat, message }) => void (chat === group && this.told.push(message)));
  }

  static async at(server: Target, token: string, groupId: number): Promise<Onlooker> {
    const client = await clientWith(server, token);
    const onlooker = new Onlooker(client, client.group(groupId));
    await onlooker.group.attach().ready;
    return onlooker;
  }

  /** Sees the whole history, each message once, and was never told anything else. */
  async check(history: Text[]): Promise<void> {
    const { timeline } = this.group;
    const last = (): MessageItem | undefined => timeline.get().items.findLast((item) => item.kind === 'message');
    await until(timeline, ({ at_end }) => !at_end || last()?.seq === history.length);
    // Where very much came while it was away, one reads on there, or goes to the end.
    if (!timeline.get().at_end) await this.group.jumpTo('end');
    while (!timeline.get().at_start) await this.group.loadOlder();
    const seen = timeline.get().items.filter((item) => item.kind === 'message');
    assert.deepEqual(seen.map(textOf), history.map(textOf));
    // A number means one message for ever, also across a crash: nothing is told before it is on disk.
    const toldOf = this.told.map(({ seq }) => textOf(history[seq - 1]));
    assert.deepEqual(this.told.map(textOf), toldOf);
  }
}
