import type { AdminSessionView, AdminUserDetails, AdminUserView } from '../../admin/dto/admin-users.dto.js';
import type { AddCommands } from '../command.js';
import type { Console } from '../console/console.js';
import {
  assertMeant,
  HOW,
  onServer,
  PERSON,
  personIn,
  reasonIn,
  saidOfInvites,
  withReason,
  withYes,
} from '../console/on-server.js';
import { columns, counted } from '../output.js';

const standingOf = ({ role, is_suspended: isSuspended }: AdminUserView): string =>
  [...(role === 'person' ? [] : [role]), ...(isSuspended ? ['suspended'] : [])].join(', ');

export const userCommands: AddCommands = (program, done) => {
  const group = program
    .command('user')
    .summary('look after people')
    .description(`Finds people, shuts them out and lets them in again. ${HOW} No command reads chats.`);
  const path = async (server: Console, word: string | undefined, rest = ''): Promise<string> =>
    `/http/admin/users/${await personIn(server, word)}${rest}`;

  onServer(
    group
      .command('list')
      .summary('find people')
      .description('Lists people: all, or those whose name or, with an @ in it, whose address begins so.')
      .argument('[beginning]', 'of a name or address')
      .option('--suspended', 'only those who are'),
    done,
    async ({ out, server }, options, beginning) => {
      const query = new URLSearchParams({
        ...(beginning !== undefined && { query: beginning }),
        ...(options['suspended'] === true && { state: 'suspended' }),
      });
      const users = await server.list<AdminUserView>(`/http/admin/users?${query.toString()}`);
      const rows = users.map((user) => [
        String(user.id),
        user.email,
        `${user.first_name} ${user.last_name}`,
        standingOf(user),
      ]);
      for (const line of columns(rows)) out.line(line);
      if (users.length === 0) out.line('Nobody is like that.');
      out.json({ ok: true, users });
    },
  );

  onServer(
    group
      .command('show')
      .summary('one person')
      .description('Shows one person.')
      .argument(...PERSON),
    done,
    async ({ out, server }, _options, word) => {
      const user = await server.get<AdminUserDetails>(await path(server, word));
      const since = user.suspended_at === null ? 'no' : `since ${user.suspended_at}`;
      const rows = [
        ['number', String(user.id)],
        ['address', user.email],
        ['name', `${user.first_name} ${user.last_name}`],
        ['role', user.role],
        ['suspended', since],
        ['account', `since ${user.created_at}`],
        ['seen', user.is_online ? 'online' : (user.last_seen ?? 'never')],
        ['sessions', String(user.sessions)],
        ['groups', `${user.groups}, ${user.groups_owned} of them their own`],
        ...((user.invites ?? 0) > 0 ? [['invitations', `${user.invites} that can be used`]] : []),
      ];
      for (const line of columns(rows)) out.line(line);
      out.json({ ok: true, user });
    },
  );

  for (const [name, isSuspended, summary, description] of [
    [
      'suspend',
      true,
      'shut somebody out',
      'Shuts somebody out, at once and on every node: sessions and invitations of theirs end, and they cannot log in.',
    ],
    ['resume', false, 'let somebody in again', 'Lets somebody in again who was suspended.'],
  ] as const)
    onServer(
      withReason(
        group
          .command(name)
          .summary(summary)
          .description(description)
          .argument(...PERSON),
      ),
      done,
      async ({ out, server }, options, word) => {
        const change = { is_suspended: isSuspended, ...reasonIn(options) };
        const at = await path(server, word);
        const before = await server.get<AdminUserDetails>(at);
        const user = await server.act<AdminUserDetails>('PATCH', at, change);
        const so = isSuspended ? 'suspended' : 'not suspended any more';
        out.line(`${user.email} (user ${user.id}) is ${so}.${saidOfInvites(before, user)}`);
        out.json({ ok: true, user });
      },
    );

  onServer(
    withReason(
      group
        .command('reset')
        .summary('end password and sessions')
        .description(
          'For a phone or password that was stolen: ends all sessions, the password and invitations of theirs, and mails a link to a new one.',
        )
        .argument(...PERSON),
    ),
    done,
    async ({ out, server }, options, word) => {
      const at = await path(server, word);
      const before = await server.get<AdminUserDetails>(at);
      await server.act('POST', `${at}/reset`, reasonIn(options));
      const mail = server.isAlone ? 'goes out by the next server' : 'is on its way';
      out.line(
        `Their sessions and their password have ended. A mail with a link to a new one ${mail}.${saidOfInvites(before)}`,
      );
      out.json({ ok: true });
    },
  );

  onServer(
    withReason(
      group
        .command('sessions')
        .summary('where somebody is logged in')
        .description('Lists the sessions of somebody that live, the newest first, or ends all of them.')
        .argument(...PERSON)
        .option('--end', 'end all of them'),
    ),
    done,
    async ({ out, server }, options, word) => {
      const at = await path(server, word, '/sessions');
      const sessions = await server.list<AdminSessionView>(at);
      const isEnd = options['end'] === true;
      if (isEnd) await server.act('DELETE', at, reasonIn(options));
      for (const line of columns(sessions.map((one) => [one.created_at, one.device ?? 'unknown device'])))
        out.line(line);
      out.line(isEnd ? `${counted(sessions.length, 'session')} ended.` : `${counted(sessions.length, 'session')}.`);
      out.json({ ok: true, sessions, has_ended: isEnd });
    },
  );

  onServer(
    withYes(
      withReason(
        group
          .command('delete')
          .summary('erase an account')
          .description('Erases an account, as its owner can: what they wrote to others stays, without their name.')
          .argument(...PERSON),
      ),
    ),
    done,
    async ({ out, server }, options, word) => {
      const user = await server.get<AdminUserDetails>(await path(server, word));
      await assertMeant(options, `The account of ${user.email} (user ${user.id}) is erased for ever.`);
      await server.act('DELETE', `/http/admin/users/${user.id}`, reasonIn(options));
      out.line(`The account of ${user.email} (user ${user.id}) is erased.${saidOfInvites(user)}`);
      out.json({ ok: true, id: user.id });
    },
  );
};
