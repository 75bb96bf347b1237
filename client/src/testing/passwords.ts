import type { House, Identity } from './house.js';
import { MAILS } from './mails.js';
import { Refusal } from './refusal.js';
import type { Link, Person } from './state.js';
import { assertGoodPassword, assertOwnName } from './texts.js';
import { profileView } from './views.js';

const HOUR = 3_600_000;
const RESET_LASTS_MS = HOUR;
const RESTORE_LASTS_MS = 72 * HOUR;

const unknownReset = () =>
  new Refusal('not_found', 'This link was used already, or was never one of ours. Ask for a new one.');
const unknownRestore = () =>
  new Refusal('not_found', 'This link was used already, or is no longer needed, or was never one of ours.');

export interface ProfileChange {
  readonly first_name?: string;
  readonly last_name?: string;
  readonly password?: string;
  readonly current_password?: string;
}

/** Names and passwords that are changed, forgotten, and taken back. */
export class Passwords {
  constructor(private readonly house: House) {}

  /** Changes the profile. A new password ends all other sessions, and sends a mail about it. @throws Refusal */
  update(me: Identity, change: ProfileChange) {
    const { accounts, logins, news, state } = this.house;
    const person = state.people.get(me.user_id)!;
    const isProven = change.current_password !== undefined;
    if (isProven) accounts.checkPassword(person, change.current_password);
    const { first_name = person.first_name, last_name = person.last_name, password } = change;
    if (password !== undefined) this.assertGood(person, password, [change.first_name ?? '', change.last_name ?? '']);
    const isRenamed = first_name !== person.first_name || last_name !== person.last_name;
    if (isRenamed) assertOwnName(first_name, last_name);
    Object.assign(person, { first_name, last_name });
    if (isRenamed) news.personChanged(person.id);
    if (password === undefined) return profileView(person);
    if (isProven) this.notice(person, MAILS.changed(this.house.settings.url));
    else this.keep(person);
    person.password = password;
    this.endWaitingLinks(person);
    logins.endOthers(me);
    return profileView(person);
  }

  /** Sends a link to an address that has an account. @throws Refusal */
  forgot(email: string): void {
    const { accounts, settings, state } = this.house;
    accounts.countStranger();
    const person = state.account(email);
    if (!accounts.mayMail('forgot', email) || !person) return;
    accounts.mail(email, MAILS.reset(`${settings.url}/http/password/reset/${this.addReset(person)}`));
  }

  /** @returns the token of a link to a new password */
  addReset(person: Person): string {
    return this.house.accounts.addLink(this.link('reset', person, RESET_LASTS_MS));
  }

  /** The link can be used now. @throws Refusal */
  assertUsable(kind: 'reset' | 'restore', token: string): void {
    this.house.accounts.countStranger();
    this.find(kind, token);
  }

  /** Sets a new password, ends all sessions, and uses up all links. @throws Refusal */
  reset(token: string, password: string): void {
    this.house.accounts.countStranger();
    const { person } = this.find('reset', token);
    this.assertGood(person, password);
    person.password = password;
    this.settled(person, MAILS.changed(this.house.settings.url));
    this.house.rates.forgetAttempts(person.email);
  }

  /** The former password is valid again, and all sessions end. @throws Refusal */
  restore(token: string): void {
    this.house.accounts.countStranger();
    const { link, person } = this.find('restore', token);
    person.password = link.password;
    this.settled(person, MAILS.restored(this.house.settings.url));
  }

  /** @throws Refusal while the password can be taken back */
  assertSettled(person: Person): void {
    const [newest] = this.replaced(person).sort((a, b) => b.expires_at - a.expires_at);
    if (!newest) return;
    const retry_after = Math.ceil((newest.expires_at - this.house.now()) / 1_000);
    throw new Refusal(
      'password_too_new',
      'The password was set a short time ago without the one before it, and its owner can still take it back. Set one with a link from a mail, or wait.',
      { retry_after },
    );
  }

  /** Those that were asked for are of no use any more: the password is another one, or the address is. */
  endWaitingLinks(person: Person): void {
    this.house.state.endLinks(person, 'reset', 'email', 'export');
  }

  private settled(person: Person, mail: ReturnType<typeof MAILS.changed>): void {
    this.endWaitingLinks(person);
    this.house.state.endLinks(person, 'restore');
    this.notice(person, mail);
    this.house.logins.endOthers({ user_id: person.id, session_id: 0 });
  }

  /** Whoever set the new one may have had a stolen token and nothing else. */
  private keep(person: Person): void {
    const { accounts, settings } = this.house;
    const mayMail = accounts.mayMail('restore', person.email);
    const [oldest] = this.replaced(person);
    if (oldest && !mayMail) return;
    const link = this.link('restore', person, RESTORE_LASTS_MS);
    // Not the one that is replaced now: who has replaced the one before knows it.
    const token = accounts.addLink({ ...link, password: oldest?.password ?? person.password });
    accounts.mail(person.email, MAILS.replaced(`${settings.url}/http/password/restore/${token}`));
  }

  private replaced({ id }: Person): Link[] {
    const now = this.house.now();
    return [...this.house.state.links.values()].filter(
      (link) => link.kind === 'restore' && link.user_id === id && link.expires_at > now,
    );
  }

  private notice(person: Person, mail: ReturnType<typeof MAILS.changed>): void {
    const { accounts } = this.house;
    if (accounts.mayMail('notice', person.email)) accounts.mail(person.email, mail);
  }

  private link(kind: Link['kind'], person: Person, lastsMs: number): Link {
    const { email, password, first_name, last_name, id: user_id } = person;
    return { kind, expires_at: this.house.now() + lastsMs, email, password, first_name, last_name, user_id };
  }

  private find(kind: 'reset' | 'restore', token: string): { link: Link; person: Person } {
    const unknown = kind === 'reset' ? unknownReset : unknownRestore;
    const link = this.house.accounts.findLink(kind, token, unknown);
    const person = this.house.state.person(link.user_id!);
    if (!person) throw unknown();
    if (link.expires_at <= this.house.now())
      throw new Refusal(
        'expired',
        `This link has expired. Ask for a ${kind === 'reset' ? 'new one' : 'link to a new password'}.`,
      );
    return { link, person };
  }

  private assertGood({ email, first_name, last_name }: Person, password: string, more: readonly string[] = []): void {
    assertGoodPassword(password, [email, first_name, last_name, this.house.settings.url, ...more]);
  }
}
