import type { House, Identity } from './house.js';

/** The end of an account: what others were told stays, by a person who is called `deleted user`. */
export class Erasure {
  constructor(private readonly house: House) {}

  /** @throws Refusal */
  erase(me: Identity, password: string): void {
    const { accounts, bot, logins, news, passwords, state } = this.house;
    const { user_id: userId } = me;
    const person = state.people.get(userId)!;
    accounts.checkPassword(person, password);
    passwords.assertSettled(person);
    state.dropLinks(({ user_id, email }) => user_id === userId || email === person.email);
    logins.endOthers({ user_id: userId, session_id: 0 });
    bot.forget(userId);
    const chat = state.botChat(userId);
    if (chat) state.chats.delete(chat.id);
    this.leaveGroups(userId);
    state.blocks.delete(userId);
    for (const blockedIds of state.blocks.values()) blockedIds.delete(userId);
    // Their mails are gone as well.
    state.mails.splice(0, Infinity, ...state.mails.filter(({ to }) => to !== person.email));
    Object.assign(person, {
      first_name: 'deleted',
      last_name: 'user',
      email: `erased:${userId}`,
      password: '',
      last_seen: null,
      is_erased: true,
    });
    news.personChanged(userId);
  }

  private leaveGroups(userId: number): void {
    const { members, state } = this.house;
    for (const group of state.groups()) {
      const member = group.members.get(userId);
      for (const kept of [group.requests, group.departed, group.removed]) kept.delete(userId);
      if (!member) continue;
      const heir = members.leaveForGood(group, userId);
      members.left(group, userId, member.is_in);
      if (heir !== undefined) members.tellOwner(group, [heir]);
    }
  }
}
