import type { House, Identity } from './house.js';
import { MAILS } from './mails.js';
import { rateLimited, Refusal } from './refusal.js';

const HOUR = 3_600_000;
const LINK_LASTS_MS = 48 * HOUR;
const PAUSE_MS = 24 * HOUR;
const MOST_DOWNLOADS = 20;
/** A zip file that holds nothing: only the record at its end. */
const EMPTY_ZIP = `PK\x05\x06${'\0'.repeat(18)}`;

const unknownLink = () => new Refusal('not_found', 'This link is no longer needed, or was never one of ours.');
const expired = (sentence: string) => new Refusal('expired', `${sentence} Ask for a new export.`);

/** What is a person's own, as a file. Here it is made at once, and empty: nobody but people reads it. */
export class Exports {
  constructor(private readonly house: House) {}

  /** Sends a link, and ends the one before. @throws Refusal */
  ask(me: Identity, password: string): void {
    const { accounts, settings, state } = this.house;
    const person = state.people.get(me.user_id)!;
    accounts.checkPassword(person, password);
    const now = this.house.now();
    const waitMs = (person.exported_at ?? -Infinity) + PAUSE_MS - now;
    if (settings.rates && waitMs > 0) throw rateLimited('There was an export within the last 24 hours.', waitMs);
    state.endLinks(person, 'export');
    person.exported_at = now;
    const { email, first_name, last_name, id: user_id } = person;
    const link = { kind: 'export' as const, email, password: '', first_name, last_name, user_id, downloads: 0 };
    const token = accounts.addLink({ ...link, expires_at: now + LINK_LASTS_MS });
    accounts.mail(email, MAILS.exportReady(`${settings.url}/http/export/${token}`));
  }

  /** Counts a download. @returns the file, of which every character is a byte @throws Refusal */
  download(token: string): string {
    const { accounts } = this.house;
    accounts.countStranger();
    const link = accounts.findLink('export', token, unknownLink);
    if (link.expires_at <= this.house.now()) throw expired('This link has expired.');
    if (link.downloads! >= MOST_DOWNLOADS) throw expired('This link was used too often.');
    link.downloads!++;
    return EMPTY_ZIP;
  }
}
