import type { Scenario } from './scenarios.js';
import type { Scene } from './scene.js';
import type { WirePerson } from './wire.js';

const PASSWORD = 'correct horse battery';
const HOUR = 3_600_000;

/** What is done with addresses and the mails that go there. */
function mailed(scene: Scene) {
  /** The token in the newest mail to an address, once there are so many. */
  const newest = async (email: string, count: number): Promise<string> => {
    const link = await scene.wire.until(async () => {
      const links = await scene.wire.links(email);
      return links.length >= count ? links[0] : undefined;
    }, `mail ${count} to ${email}`);
    return link.split('/').at(-1)!;
  };
  const ask = (who: WirePerson, email: unknown, password: unknown = 'nobody knows') =>
    scene.ask(who, 'POST', '/http/users/profile/email', { email, password });
  const use = (way: 'confirm' | 'return', token: string) =>
    scene.ask(undefined, 'POST', `/http/email/${way}`, { token });
  /** Gives an account another address. `count`: so many mails go to the new one until then, this one among them. */
  const move = async (who: WirePerson, email: string, count = 1): Promise<void> => {
    await ask(who, email);
    await use('confirm', await newest(email, count));
  };
  const login = (email: string, password: string) => scene.ask(undefined, 'POST', '/http/login', { email, password });
  /** What was written to an address, once there are so many mails. */
  const mailsTo = async (email: string, count: number): Promise<void> => {
    await newest(email, count);
    scene.note(`mails to ${email}`, await scene.wire.subjects(email));
  };
  return { newest, ask, use, move, login, mailsTo };
}

/** What an account gets by links in mails: another address, an export. */
export const MAILED: readonly Scenario[] = [
  {
    name: 'another address, and the way back to the former one',
    play: async (scene) => {
      const [[ada, a], [alan]] = await scene.online('Ada', 'Alan');
      const { newest, use, login } = mailed(scene);
      const ask = (email: unknown, password?: unknown) => mailed(scene).ask(ada, email, password);
      await ask('other@example.com', 'wrong');
      await ask('nobody');
      await ask(ada.email);
      await ask(alan.email);
      await newest(alan.email, 1);
      await ask(' Other@Example.com ');
      const token = await newest('other@example.com', 1);
      await scene.ask(undefined, 'GET', `/http/email/confirm/${token}`);
      await scene.ask(undefined, 'GET', `/http/email/return/${token}`);
      await use('confirm', 'x'.repeat(33));
      await scene.get(ada, '/http/users/profile');
      await use('confirm', token);
      await use('confirm', token);
      await scene.get(ada, '/http/users/profile');
      await ask('third@example.com');
      const waiting = await newest('third@example.com', 1);
      await login(ada.email, 'nobody knows');
      await login('other@example.com', 'nobody knows');
      const back = await newest(ada.email, 1);
      await scene.ask(undefined, 'GET', `/http/email/return/${back}`);
      await use('return', back);
      await a.hears('exception', { code: 'session_revoked' });
      await use('return', back);
      await use('confirm', waiting);
      await scene.get(ada, '/http/users/profile');
      await login('other@example.com', 'nobody knows');
      await login(ada.email, 'nobody knows');
      const reset = await newest(ada.email, 2);
      await scene.ask(undefined, 'POST', '/http/password/reset', { token: reset, password: PASSWORD });
      const { body } = await login(ada.email, PASSWORD);
      await scene.get({ ...ada, token: body.token }, '/http/users/profile');
    },
  },
  {
    name: 'an account goes back to an address, and the one that it leaves gets no way back',
    play: async (scene) => {
      const ada = await scene.person('Ada');
      const { newest, use, move, login, mailsTo } = mailed(scene);
      await move(ada, 'former@example.com');
      await move(ada, 'misspelt@example.com');
      const unused = await newest('former@example.com', 2);
      await move(ada, 'former@example.com', 3);
      await mailsTo('misspelt@example.com', 2);
      await use('return', unused);
      await move(ada, ada.email, 2);
      await mailsTo('former@example.com', 4);
      await mailsTo(ada.email, 2);
      // By the link instead: the address that is left is told of that, too.
      await move(ada, 'stolen@example.com');
      await use('return', await newest(ada.email, 3));
      await mailsTo('stolen@example.com', 2);
      await mailsTo(ada.email, 4);
      await login('stolen@example.com', 'nobody knows');
    },
  },
  {
    name: 'older ways back live as long as the newest one',
    play: async (scene) => {
      const ada = await scene.person('Ada');
      const { newest, use, move } = mailed(scene);
      const late = 'late@example.com';
      await move(ada, 'stolen@example.com');
      const owners = await newest(ada.email, 1);
      await scene.wire.later(70 * HOUR);
      await move(ada, 'safe@example.com');
      const thiefs = await newest('stolen@example.com', 2);
      await scene.wire.later(71 * HOUR);
      await use('return', thiefs);
      await use('return', owners);
      await use('return', owners);
      await scene.ask(undefined, 'POST', '/http/login', { email: ada.email, password: 'nobody knows' });
      const alan = await scene.person('Alan');
      await mailed(scene).ask(alan, late);
      const token = await newest(late, 1);
      await scene.wire.later(25 * HOUR);
      await use('confirm', token);
      await move(alan, late, 2);
      const back = await newest(alan.email, 1);
      await scene.wire.later(73 * HOUR);
      await scene.ask(undefined, 'GET', `/http/email/return/${back}`);
      await use('return', back);
    },
  },
  {
    name: 'an address is kept for whoever had it, and then is free',
    play: async (scene) => {
      const [ada, eve] = [await scene.person('Ada'), await scene.person('Eve')];
      const { newest, ask, move, mailsTo } = mailed(scene);
      await move(ada, 'new@example.com');
      const person = { email: ada.email, password: PASSWORD, first_name: 'Thief', last_name: '' };
      await scene.ask(undefined, 'POST', '/http/register', person);
      const link = `/http/register/${await newest(ada.email, 2)}`;
      const refused = await scene.ask(undefined, 'GET', link);
      scene.note('hours that it is kept', Math.round(refused.body.retry_after / 3_600));
      await ask(eve, ada.email);
      await mailsTo(ada.email, 3);
      await scene.wire.later(71 * HOUR);
      await scene.ask(undefined, 'POST', '/http/register/resend', { email: ada.email, password: PASSWORD });
      const newer = `/http/register/${await newest(ada.email, 4)}`;
      const again = await scene.ask(undefined, 'GET', newer);
      scene.note('hours that it is kept', Math.round(again.body.retry_after / 3_600));
      await scene.wire.later(2 * HOUR);
      await scene.ask(undefined, 'GET', newer);
    },
  },
  {
    name: 'another address where only some domains may register',
    play: async (scene) => {
      const [ada, alan] = [await scene.person('Ada'), await scene.person('Alan')];
      const { newest, ask, use } = mailed(scene);
      await ask(ada, 'early@example.com');
      const early = await newest('early@example.com', 1);
      await scene.wire.operate({ registration: 'domains', allowed_domains: ['example.org'] });
      for (const email of ['other@example.com', alan.email, ada.email, 'ada@sub.example.org', 'ada@example.org'])
        await ask(ada, email);
      await ask(ada, 'other@example.com', 'wrong');
      await use('confirm', early);
      for (const registration of ['closed', 'invite', 'open'] as const) {
        await scene.wire.operate({ registration });
        await ask(ada, `${registration}@example.com`);
      }
      await use('confirm', early);
    },
  },
  {
    name: 'five new addresses a day, whosever they are',
    rates: true,
    play: async (scene) => {
      const [ada, alan] = [await scene.person('Ada'), await scene.person('Alan')];
      const { ask } = mailed(scene);
      await ask(ada, 'first@example.com', 'wrong');
      for (const email of ['first@example.com', 'second@example.com', alan.email, ada.email, 'third@example.com'])
        await ask(ada, email);
      const refused = await ask(ada, 'fourth@example.com');
      scene.note('hours', Math.round(refused.body.retry_after / 3_600));
      await ask(alan, 'fourth@example.com');
    },
  },
  {
    name: "an export of what is one's own, and what ends it",
    play: async (scene) => {
      const [ada, alan] = [await scene.person('Ada'), await scene.person('Alan')];
      const exported = async (who: WirePerson): Promise<string> => {
        const links = async () =>
          (await scene.wire.links(who.email)).filter((link) => link.startsWith('/http/export/'));
        const before = (await links()).length;
        await scene.ask(who, 'POST', '/http/users/profile/export', { password: 'nobody knows' });
        return scene.wire.until(async () => {
          const all = await links();
          return all.length > before ? all[0] : undefined;
        }, `a mail to ${who.name}`);
      };
      // What is in it hangs on the server.
      const download = async (link: string): Promise<void> => {
        const { status, body } = await scene.wire.fetch('GET', link);
        scene.note('an export', status === 200 ? { status, isZip: body.startsWith('PK') } : { status, body });
      };
      for (const body of [{ password: 'wrong' }, {}, { password: 'nobody knows', more: 1 }])
        await scene.ask(ada, 'POST', '/http/users/profile/export', body);
      await scene.ask(undefined, 'POST', '/http/users/profile/export', { password: 'nobody knows' });
      await download(`/http/export/${'x'.repeat(33)}`);
      const first = await exported(ada);
      await download(first);
      await download(`${first}.`);
      const second = await exported(ada);
      await download(first);
      for (let i = 0; i < 19; i++) await scene.wire.fetch('GET', second);
      await download(second);
      await download(second);
      const third = await exported(ada);
      await scene.ask(ada, 'PUT', '/http/users/profile', { password: PASSWORD, current_password: 'nobody knows' });
      await download(third);
      const his = await exported(alan);
      await scene.wire.suspend(alan.id);
      await download(his);
      await scene.wire.suspend(alan.id, false);
      await download(his);
    },
  },
  {
    name: 'an export is made once a day',
    rates: true,
    play: async (scene) => {
      const ada = await scene.person('Ada');
      const at = '/http/users/profile/export';
      await scene.ask(ada, 'POST', at, { password: 'wrong' });
      await scene.ask(ada, 'POST', at, { password: 'nobody knows' });
      await scene.ask(ada, 'POST', at, { password: 'nobody knows' });
      await scene.restart();
      await scene.ask(ada, 'POST', at, { password: 'nobody knows' });
    },
  },
];
