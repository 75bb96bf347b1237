import type { House, Identity } from './house.js';
import { MAILS } from './mails.js';
import { invalid, Refusal, suspended } from './refusal.js';
import type { Link, Person } from './state.js';

const HOUR = 3_600_000;
const CHANGE_LASTS_MS = 24 * HOUR;
const RETURN_LASTS_MS = 72 * HOUR;

type Kind = 'email' | 'return';

const unknownLink = () =>
  new Refusal('not_found', 'This link was used already, or is no longer needed, or was never one of ours.');
const notFree = () =>
  new Refusal('already_registered', 'This address belongs to another account. Nothing was changed.');

/** Another address for an account, and the way back to the former one. */
export class Emails {
  constructor(private readonly house: House) {}

  /** Sends a link to the new address, or a mail that says that it is taken. @throws Refusal */
  ask(me: Identity, email: string, password: string): void {
    const { accounts, passwords, rates, settings, state } = this.house;
    const person = state.people.get(me.user_id)!;
    accounts.checkPassword(person, password);
    accounts.countStranger();
    accounts.assertMayMoveTo(email);
    rates.take('Too many new addresses.', [{ name: 'newEmail', key: String(person.id) }]);
    const mayMail = accounts.mayMail('email', email);
    if (person.email === email)
      throw invalid('This is the address that you have already.', { email: ['is your address already'] });
    passwords.assertSettled(person);
    if (!mayMail) return;
    if (!this.isFree(email, person)) return accounts.mail(email, MAILS.emailTaken(settings.url));
    const token = this.addLink('email', email, person);
    accounts.mail(email, MAILS.newEmail(`${settings.url}/http/email/confirm/${token}`));
  }

  /** The link can be used now. @throws Refusal */
  assertUsable(kind: Kind, token: string): void {
    this.house.accounts.countStranger();
    this.find(kind, token);
  }

  /** The account has its new address, and the former one is told. @throws Refusal */
  confirm(token: string): void {
    const { accounts, passwords, settings } = this.house;
    accounts.countStranger();
    const { link, person } = this.find('email', token);
    if (person.is_suspended) throw suspended();
    passwords.assertSettled(person);
    accounts.assertMayMoveTo(link.email);
    if (!this.isFree(link.email, person)) throw notFree();
    passwords.endWaitingLinks(person);
    const back = this.addWayBack(person, link.email);
    const { url } = settings;
    const notice = back === undefined ? MAILS.emailLeft(url) : MAILS.emailChanged(`${url}/http/email/return/${back}`);
    accounts.mail(person.email, notice);
    person.email = link.email;
  }

  /** The former address is the account's again; its sessions and its password end. @throws Refusal */
  takeBack(token: string): void {
    const { accounts, logins, passwords, settings, state } = this.house;
    accounts.countStranger();
    const { link, person } = this.find('return', token);
    const other = state.account(link.email);
    if (other && other !== person) throw notFree();
    this.useUp(link);
    passwords.endWaitingLinks(person);
    state.endLinks(person, 'restore');
    if (person.email !== link.email) accounts.mail(person.email, MAILS.emailLeft(settings.url));
    Object.assign(person, { email: link.email, password: accounts.newToken() });
    accounts.mail(
      person.email,
      MAILS.emailReturned(`${settings.url}/http/password/reset/${passwords.addReset(person)}`),
    );
    logins.endOthers({ user_id: person.id, session_id: 0 });
  }

  /** For how long from now an address is kept for an account that had it until a short time ago. @returns milliseconds; 0: not at all */
  heldFor(email: string, exceptFor?: Person): number {
    const now = this.house.now();
    const held = this.waysBack().filter((link) => link.email === email && link.user_id !== exceptFor?.id);
    return Math.max(0, ...held.map(({ expires_at }) => expires_at - now));
  }

  private isFree(email: string, person: Person): boolean {
    return !this.house.state.account(email) && this.heldFor(email, person) === 0;
  }

  /**
   * To the address that is left, unless the account goes to one that it has a way back to: then that one is used up. Older ones live as long.
   * @returns its token
   */
  private addWayBack(person: Person, to: string): string | undefined {
    const mine = this.waysBack().filter(({ user_id }) => user_id === person.id);
    const used = mine.find(({ email }) => email === to);
    if (used) {
      this.useUp(used);
      return undefined;
    }
    for (const link of mine) link.expires_at = this.house.now() + RETURN_LASTS_MS;
    return this.addLink('return', person.email, person);
  }

  /** Those that are good, in the order in which they were made. */
  private waysBack(): Link[] {
    const now = this.house.now();
    return [...this.house.state.links.values()].filter(({ kind, expires_at }) => kind === 'return' && expires_at > now);
  }

  /** And with it those that came later: they are of whoever has changed the address. */
  private useUp(link: Link): void {
    const { state } = this.house;
    const later = [...state.links.values()];
    later.splice(0, later.indexOf(link));
    state.dropLinks(
      (one) => one.user_id === link.user_id && (one.kind === 'email' || one.kind === 'return') && later.includes(one),
    );
  }

  private addLink(kind: Kind, email: string, person: Person): string {
    const { password, first_name, last_name } = person;
    const expires_at = this.house.now() + (kind === 'email' ? CHANGE_LASTS_MS : RETURN_LASTS_MS);
    return this.house.accounts.addLink({
      kind,
      expires_at,
      email,
      password,
      first_name,
      last_name,
      user_id: person.id,
    });
  }

  private find(kind: Kind, token: string): { link: Link; person: Person } {
    const { accounts, state } = this.house;
    const link = accounts.findLink(kind, token, unknownLink);
    const person = state.person(link.user_id!);
    if (!person) throw unknownLink();
    if (link.expires_at <= this.house.now())
      throw new Refusal('expired', 'This link has expired, and nothing was changed.');
    return { link, person };
  }
}
