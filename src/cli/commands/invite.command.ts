import type { CreatedInvite, InviteView } from '../../admin/dto/admin-invites.dto.js';
import type { AdminUserView } from '../../admin/dto/admin-users.dto.js';
import type { AddCommands } from '../command.js';
import type { Console } from '../console/console.js';
import { HOW, onServer, reasonIn, withReason } from '../console/on-server.js';
import { wholeNumber, wholeNumbers } from '../arguments.js';
import { columns } from '../output.js';

export const inviteCommands: AddCommands = (program, done) => {
  const group = program
    .command('invite')
    .summary('let people register')
    .description(`Makes invitations, by which people register whatever the mode of registration is. ${HOW}`);

  onServer(
    group
      .command('create')
      .summary('make an invitation')
      .description('Makes an invitation, and prints its link, this once.')
      .option('--uses <number>', 'accounts that it makes at most', wholeNumber, '1')
      .option('--hours <number>', 'until it expires', wholeNumber, String(7 * 24))
      .option('--note <text>', 'whom it is for; admins alone see it')
      .option('--group <number>', 'an open group that they become members of; may be given again', wholeNumbers, []),
    done,
    async ({ out, server }, options) => {
      const { note } = options;
      const groupIds = [options['group'] ?? []].flat().map(Number);
      const invite = await server.act<CreatedInvite>('POST', '/http/admin/invites', {
        max_uses: Number(options['uses']),
        expires_in_hours: Number(options['hours']),
        ...(typeof note === 'string' && { note }),
        // Not where there are none: a server that was not restarted since an upgrade may not know them.
        ...(groupIds.length > 0 && { group_ids: groupIds }),
      });
      const good = `is good for ${usesOf(invite.max_uses)} until ${invite.expires_at}`;
      const groups = groupsOf(invite);
      const into = groups && `, and leads into ${groups}`;
      out.line(`Invitation ${invite.id} ${good}${into}:`);
      out.line(invite.url ?? `invite=${invite.token}  (for POST /http/register: this server leads people to no page)`);
      out.json({ ok: true, invite });
    },
  );

  onServer(
    group
      .command('list')
      .summary('which there are')
      .description(
        'Lists invitations, the newest first, without their links, and who has made them. Those that have ended stay for 90 days.',
      ),
    done,
    async ({ out, server }) => {
      const invites = await server.list<InviteView>('/http/admin/invites');
      const makers = await makersOf(server, invites);
      const rows = invites.map((one) => [
        String(one.id),
        one.state.replace('_', ' '),
        `${one.uses} of ${usesOf(one.max_uses)}`,
        `until ${one.expires_at}`,
        makerOf(one, makers),
        groupsOf(one),
        one.note ?? '',
      ]);
      for (const line of columns(rows)) out.line(line);
      if (invites.length === 0) out.line('There are no invitations.');
      out.json({ ok: true, invites });
    },
  );

  onServer(
    withReason(
      group
        .command('revoke')
        .summary('take one back')
        .description('Takes an invitation back. Accounts that it has made stay.')
        .argument('<invitation>', 'its number', wholeNumber),
    ),
    done,
    async ({ out, server }, options, word) => {
      const id = Number(word);
      await server.act('DELETE', `/http/admin/invites/${id}`, reasonIn(options));
      out.line(`Invitation ${id} is good for nothing any more.`);
      out.json({ ok: true, id });
    },
  );
};

/** By number, the addresses of those who have made them: admins, of whom there are few. */
async function makersOf(server: Console, invites: readonly InviteView[]): Promise<ReadonlyMap<number, string>> {
  const makers = new Map<number, string>();
  for (const { created_by: id } of invites) {
    if (id === null || makers.has(id)) continue;
    // Whoever was erased since the list was read is a number.
    const maker = await server.get<AdminUserView>(`/http/admin/users/${id}`).catch(() => undefined);
    makers.set(id, maker?.email ?? `user ${id}`);
  }
  return makers;
}

/** With an account, the invitations end that it has made: one that is live and nobody's is the command line's. */
function makerOf({ created_by: id, state }: InviteView, makers: ReadonlyMap<number, string>): string {
  if (id !== null) return `by ${makers.get(id)}`;
  return state === 'live' ? 'by console' : 'by console, or an account that is erased';
}

/** Nothing where there are none, or the server knows of none: see above. */
function groupsOf({ group_ids: ids = [] }: Partial<InviteView>): string {
  if (ids.length === 0) return '';
  return `${ids.length === 1 ? 'group' : 'groups'} ${ids.join(', ')}`;
}

const usesOf = (count: number): string => `${count} ${count === 1 ? 'account' : 'accounts'}`;
