import type { House, Identity } from './house.js';
import { invalid } from './refusal.js';
import type { Person } from './state.js';
import { fold } from './texts.js';
import { userView } from './views.js';

/** Who is here, who sees whom, and who wants to hear nothing from whom. */
export class People {
  constructor(private readonly house: House) {}

  /**
   * All in the order of their ids, or those whose name begins with `query`, by that name; or those with these `ids`, also whoever has
   * erased their account. @throws Refusal where something else is sent with `ids`
   */
  list(me: Identity, request: { query?: string; ids?: string; cursor?: string }) {
    const { query = '', ids } = request;
    if (ids !== undefined) return this.named(me, ids, request);
    const prefix = fold(query);
    const found = this.house.state
      .everybody()
      .map((person) => ({ person, key: keyOf(person, prefix) }))
      .filter((one): one is { person: Person; key: string } => one.key !== undefined)
      .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.person.id - b.person.id));
    return found.map(({ person }) => this.view(person, me.user_id));
  }

  blocked(me: Identity) {
    const blockedIds = [...(this.house.state.blocks.get(me.user_id) ?? [])].sort((a, b) => a - b);
    return blockedIds.flatMap((id) => {
      const person = this.house.state.person(id);
      return person ? [this.view(person, me.user_id)] : [];
    });
  }

  /** From the answer on, no direct message passes between the two. @throws Refusal */
  block({ user_id }: Identity, otherId: number): void {
    const { presenceNews, state } = this.house;
    this.assertOther(user_id, otherId);
    const blocks = state.blocks.get(user_id) ?? new Set();
    if (blocks.has(otherId)) return;
    state.blocks.set(user_id, blocks.add(otherId));
    presenceNews.visibilityChanged(user_id, otherId);
  }

  /** Takes a block back, if there is one. @throws Refusal */
  unblock({ user_id }: Identity, otherId: number): void {
    const { presenceNews, state } = this.house;
    this.assertOther(user_id, otherId);
    if (state.blocks.get(user_id)?.delete(otherId)) presenceNews.visibilityChanged(user_id, otherId);
  }

  /** Those who are connected and hear of somebody, never the person. */
  viewersOf(userId: number): Set<number> {
    const { attendance, presence, state } = this.house;
    const viewers = state.chatsOf(userId).flatMap((chat) => {
      if (chat.kind === 'room') return [...chat.pair];
      return chat.kind === 'group' && chat.members.get(userId)?.is_in ? attendance.inSmallGroup(chat) : [];
    });
    return new Set(viewers.filter((viewer) => viewer !== userId && presence.isConnected(viewer)));
  }

  private named(me: Identity, ids: string, request: { query?: string; cursor?: string }) {
    const others = (['query', 'cursor'] as const).filter((name) => request[name] !== undefined);
    if (others.length > 0)
      throw invalid(
        `Send ids or ${others.join(', ')}.`,
        Object.fromEntries(['ids', ...others].map((name) => [name, ['excludes the others']])),
      );
    const wanted = [...new Set(ids.split(',').map(Number))].sort((a, b) => a - b);
    return wanted.flatMap((id) => {
      const person = this.house.state.people.get(id);
      return person ? [this.view(person, me.user_id)] : [];
    });
  }

  private view(person: Person, viewer: number) {
    const { presence, state } = this.house;
    const isHidden = person.is_erased || state.hasBlocked(person.id, viewer);
    return userView(person, presence.isOnline(person.id), isHidden);
  }

  private assertOther(userId: number, otherId: number): void {
    if (otherId === userId) throw invalid('The id is your own. Block somebody else.', { id: ['is your own'] });
    this.house.state.assertPerson(otherId);
  }
}

/** What somebody is found by: the first name first, or the last name first; by nothing, everybody alike. */
function keyOf({ first_name, last_name }: Person, prefix: string): string | undefined {
  if (prefix === '') return '';
  return [`${first_name} ${last_name}`, `${last_name} ${first_name}`].map(fold).find((key) => key.startsWith(prefix));
}
