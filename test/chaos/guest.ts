import { setTimeout as sleep } from 'node:timers/promises';
import type { MailServer } from '../support/mail-server.js';
import { Device, within } from './device.js';
import type { World } from './people.js';
import type { Place } from './record.js';

/** Longer than a mail waits whose node dies, several times in a row. */
const MAIL_WITHIN_MS = 90_000;
const PASSWORD = 'correct horse battery';

/** Somebody registers, talks with their host, and erases the account: from the answer on, nobody writes to them, and they nowhere. */
export async function comeAndGo(
  host: Device,
  place: Place,
  { groups, mails }: Pick<World, 'groups' | 'mails'>,
  random: () => number,
  until: number,
): Promise<void> {
  const { record } = host;
  const name = `guest of ${host.nextText()}`;
  const email = `${name.replaceAll(' ', '-').toLowerCase()}@example.com`;
  const stranger = new Device(0, name, undefined, place, record, random);
  const token = await register(stranger, email, mails);
  if (token === undefined) {
    record.wrong.push(`${name} could not register within ${MAIL_WITHIN_MS / 1_000} s`);
    return;
  }
  const { id } = (await stranger.ask('GET', '/http/users/profile', undefined, token)).body as { id: number };
  const guest = new Device(id, name, token, place, record, random);
  await guest.emit({ chat_type: 'group', chat_group_id: groups.at(-1)!, is_enter: true });
  await guest.sayInGroup(groups.at(-1)!, until);
  await guest.sayTo(host.id, until);
  await host.sayTo(id, until);

  const { status } = await guest.ask('DELETE', '/http/users/profile', { password: PASSWORD });
  // A repeat of one whose answer was lost finds no session.
  if (status >= 300 && status !== 401) {
    record.wrong.push(`${name} could not erase the account: ${status}`);
    return;
  }
  guest.life.endedAt = performance.now();
  record.erased.push({ id, name, at: performance.now() });
  record.count('erased');
  await guest.assertMute(host.id);
  await guest.assertDead(token);
  const { seq, refused } = await host.sayTo(id, until);
  if (seq !== undefined || (refused !== undefined && refused !== 'not_found'))
    record.wrong.push(`${host.name} wrote to ${name}, who was erased: ${seq ?? refused}`);
  const login = await guest.ask('POST', '/http/login', { email, password: PASSWORD }, '');
  if (login.status < 400) record.wrong.push(`${name} logged in after the account was erased: ${login.status}`);
  guest.hangUp();
}

/** @returns the token of a session; undefined where no link came that opens the account */
async function register(stranger: Device, email: string, mails: MailServer): Promise<string | undefined> {
  const names = { first_name: 'Guest', last_name: 'Lovelace' };
  await stranger.ask('POST', '/http/register', { email, password: PASSWORD, ...names });
  for (const giveUpAt = performance.now() + MAIL_WITHIN_MS; performance.now() < giveUpAt; await sleep(200)) {
    const got = mails.received.filter(({ to }) => to.includes(email));
    // A request that was repeated may have sent several, of which the last one counts.
    for (const { email: mail } of got.toReversed()) {
      const link = /http:\/\/localhost:3000(\S+)/.exec(mail.text ?? '')?.[1];
      if (link === undefined) continue;
      await stranger.ask('GET', link);
      const login = await within(stranger.ask('POST', '/http/login', { email, password: PASSWORD }));
      if (login?.status === 200) return login.body.token as string;
    }
  }
  return undefined;
}
