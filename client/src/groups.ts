import type { Core } from './core.js';
import { computed, hasSameFields, Value, type Store } from './store.js';
import type { GroupInfo, Standing } from './data.js';
import type { WireGroup, WireGroupRow } from './wire.js';

/** What is known of every group on the server, of which few are one's own. */
export class Groups {
  readonly all: Store<readonly GroupInfo[]>;
  private readonly known = new Map<number, GroupInfo>();
  private readonly version = new Value(0);
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly core: Core) {
    this.all = computed(this.version, () => [...this.known.values()].sort((a, b) => a.id - b.id));
  }

  peek(id: number): GroupInfo | undefined {
    return this.known.get(id);
  }

  /** One after another, whichever groups they are about. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => {});
    return done;
  }

  /** The whole list; what is not in it is gone. @returns the ids of those */
  replace(rows: readonly WireGroup[]): number[] {
    const ids = new Set(rows.map(({ id }) => id));
    const gone = [...this.known.keys()].filter((id) => !ids.has(id));
    for (const id of gone) this.remove(id);
    for (const row of rows) this.row(row);
    return gone;
  }

  row(row: WireGroup): GroupInfo {
    return this.set(row.id, row, standingOf(row));
  }

  /** As a live event says it to everybody: nothing of how oneself stands to it. */
  update(row: WireGroupRow): GroupInfo {
    const old = this.peek(row.chat_group_id);
    let standing: Standing = row.is_private ? 'closed' : 'open';
    // Who was removed sees no number, though the group be open.
    if (old?.standing === 'member' || row.member_count === null) standing = old?.standing ?? 'closed';
    if (row.is_private && old && old.standing !== 'open') standing = old.standing;
    return this.set(row.chat_group_id, row, standing);
  }

  stand(id: number, standing: Standing): void {
    const old = this.peek(id);
    if (old && old.standing !== standing) this.set(id, old, standing);
  }

  own(id: number, ownerId: number): void {
    const old = this.peek(id);
    if (old) this.set(id, { ...old, owner_id: ownerId }, old.standing);
  }

  remove(id: number): void {
    if (this.known.delete(id)) this.changed();
  }

  forget(): void {
    this.known.clear();
    this.changed();
  }

  private set(
    id: number,
    row: Omit<WireGroupRow, 'chat_group_id' | 'is_frozen'> & { is_frozen?: boolean },
    standing: Standing,
  ): GroupInfo {
    const { name, owner_id, is_private, member_count, is_frozen = false } = row;
    const is_owner = owner_id === this.core.userId;
    const info: GroupInfo = Object.freeze({
      id,
      name,
      owner_id,
      is_private,
      member_count,
      standing,
      is_owner,
      is_frozen,
    });
    const old = this.known.get(id);
    if (old && hasSameFields(old, info)) return old;
    this.known.set(id, info);
    this.changed();
    return info;
  }

  private changed(): void {
    this.version.set(this.version.get() + 1);
    this.core.bump();
  }
}

function standingOf(row: WireGroup): Standing {
  if (row.is_member) return 'member';
  if (row.my_request === 'pending') return 'asked';
  if (row.my_request === 'refused') return 'refused';
  // Who was removed from an open group is shown as little of it as strangers are of a private one.
  return row.is_private || row.member_count === null ? 'closed' : 'open';
}
