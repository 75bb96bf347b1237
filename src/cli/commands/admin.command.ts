import { Option } from 'commander';
import type { AdminUserDetails, AdminUserView } from '../../admin/dto/admin-users.dto.js';
import type { AddCommands } from '../command.js';
import { HOW, onServer, PERSON, personIn, reasonIn, saidOfInvites, withReason } from '../console/on-server.js';
import { columns } from '../output.js';

const ROLES = ['admin', 'moderator'];

export const adminCommands: AddCommands = (program, done) => {
  const group = program
    .command('admin')
    .summary('name admins and moderators')
    .description(
      `Says who looks after the server: admins do everything below /http/admin, moderators settle reports. ${HOW}`,
    );

  onServer(
    group.command('list').summary('who has a role').description('Lists admins and moderators.'),
    done,
    async ({ out, server }) => {
      const staff = (
        await Promise.all(ROLES.map((role) => server.list<AdminUserView>(`/http/admin/users?role=${role}`)))
      ).flat();
      const rows = staff.map(({ id, role, email, first_name, last_name }) => [
        String(id),
        role,
        email,
        `${first_name} ${last_name}`,
      ]);
      for (const line of columns(rows)) out.line(line);
      if (staff.length === 0) out.line('Nobody has a role. Name the first admin: parley admin grant <address>');
      out.json({ ok: true, staff });
    },
  );

  onServer(
    withReason(
      group
        .command('grant')
        .summary('give somebody a role')
        .description(
          'Makes somebody who has an account an admin, or a moderator. The invitations of an admin end who becomes a moderator.',
        )
        .argument(...PERSON)
        .addOption(new Option('--role <role>', 'which').choices(ROLES).default('admin')),
    ),
    done,
    async ({ out, server }, options, word) => {
      const role = String(options['role']);
      const id = await personIn(server, word);
      const change = { role, ...reasonIn(options) };
      const before = await server.get<AdminUserDetails>(`/http/admin/users/${id}`);
      const user = await server.act<AdminUserDetails>('PATCH', `/http/admin/users/${id}`, change);
      const what = role === 'admin' ? 'an admin' : 'a moderator';
      out.line(`${user.email} (user ${id}) is ${what} from now on.${saidOfInvites(before, user)}`);
      out.json({ ok: true, user });
    },
  );

  onServer(
    withReason(
      group
        .command('revoke')
        .summary('take a role away')
        .description(
          'Takes the role of an admin or moderator away, and ends the invitations that they have made. The last admin keeps theirs.',
        )
        .argument(...PERSON),
    ),
    done,
    async ({ out, server }, options, word) => {
      const id = await personIn(server, word);
      const change = { role: 'person', ...reasonIn(options) };
      const before = await server.get<AdminUserDetails>(`/http/admin/users/${id}`);
      const user = await server.act<AdminUserDetails>('PATCH', `/http/admin/users/${id}`, change);
      out.line(
        `${user.email} (user ${id}) has no role any more. An address in ADMIN_EMAILS gets one again with its next password.${saidOfInvites(before, user)}`,
      );
      out.json({ ok: true, user });
    },
  );
};
