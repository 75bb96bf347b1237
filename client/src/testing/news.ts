import type { House } from './house.js';
import { Batcher } from './pacing.js';
import type { Group } from './state.js';
import { userView } from './views.js';

/** Shortest time between two packets about one row. */
const GATHER_MS = 1_000;
/** While a list is one page, everybody who is connected hears of its rows. */
const LIST_LIMIT = 1_000;

/** Tells what became of rows in the lists of people and of groups. */
export class News {
  private readonly people: Batcher<number, true>;
  private readonly groups: Batcher<number, true>;

  constructor(private readonly house: House) {
    this.people = new Batcher(house.timers, GATHER_MS, (changed) => {
      for (const userId of changed.keys()) this.tellPerson(userId);
    });
    this.groups = new Batcher(house.timers, GATHER_MS, (changed) => {
      for (const groupId of changed.keys()) this.tellGroup(groupId);
    });
  }

  /** Somebody is new, renamed or erased. */
  personChanged(userId: number): void {
    this.people.add(userId, true);
  }

  /** A group is new or gone, or has another name, owner or number of members. */
  groupChanged(groupId: number): void {
    this.groups.add(groupId, true);
  }

  /** What was there before anybody came is no news to those who come. */
  forgetUnlessHeard(): void {
    if (this.house.sockets.all().length > 0) return;
    this.people.forget();
    this.groups.forget();
  }

  private tellPerson(userId: number): void {
    const { people, presence, sockets, state } = this.house;
    const isOnePage = state.everybody().length <= LIST_LIMIT;
    const viewers = isOnePage ? undefined : people.viewersOf(userId);
    const person = state.person(userId);
    if (!person) {
      const erased = { id: userId, deleted: true };
      if (viewers) sockets.tell(viewers, 'user_update', erased);
      else sockets.tellAll([], 'user_update', erased);
      return;
    }
    const row = userView(person, presence.isOnline(userId));
    const blockedIds = [...(state.blocks.get(userId) ?? [])];
    const blockers = state.blockersOf(userId);
    const apart = new Set([...blockedIds, ...blockers]);
    if (viewers) sockets.tell([userId, ...[...viewers].filter((viewer) => !apart.has(viewer))], 'user_update', row);
    else sockets.tellAll(apart, 'user_update', row);
    // To whom they hide from they are always away; whoever has blocked them does not hear what they call themselves.
    const away = blockedIds.filter((viewer) => !blockers.includes(viewer) && (!viewers || viewers.has(viewer)));
    sockets.tell(away, 'user_update', userView(person, false, true));
  }

  private tellGroup(groupId: number): void {
    const { sockets, state } = this.house;
    const isOnePage = state.groups().length <= LIST_LIMIT;
    const group = state.group(groupId);
    if (!group) {
      // It has no members left who would have to hear of it.
      if (isOnePage) sockets.tellAll([], 'group_update', { chat_group_id: groupId, deleted: true });
      return;
    }
    const members = [...group.members.keys()];
    sockets.tell(members, 'group_update', groupRow(group));
    if (!isOnePage) return;
    const apart = state.blockersOf(group.owner_id);
    const closed = groupRow(group, true);
    sockets.tellAll(
      [...members, ...group.removed, ...apart],
      'group_update',
      group.is_private ? closed : groupRow(group),
    );
    const removed = [...group.removed].filter((userId) => !apart.includes(userId) && !group.members.has(userId));
    sockets.tell(removed, 'group_update', closed);
  }
}

const groupRow = ({ id, name, owner_id, is_private, members, is_frozen }: Group, isHidden = false) => ({
  chat_group_id: id,
  name,
  owner_id,
  is_private,
  member_count: isHidden ? null : members.size,
  ...(is_frozen && !isHidden && { is_frozen: true }),
});
