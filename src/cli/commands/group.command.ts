import type { AdminGroupView } from '../../admin/dto/admin-groups.dto.js';
import type { AddCommands } from '../command.js';
import { assertMeant, HOW, onServer, personIn, reasonIn, withReason, withYes } from '../console/on-server.js';
import { person, wholeNumber } from '../arguments.js';
import { columns, count, counted } from '../output.js';

const GROUP = ['<group>', 'its number', wholeNumber] as const;

export const groupCommands: AddCommands = (program, done) => {
  const group = program
    .command('group')
    .summary('look after groups')
    .description(`Freezes groups, hands them over and deletes them. ${HOW} No command reads chats.`);
  const path = (word: string | undefined): string => `/http/admin/groups/${word}`;

  onServer(
    group.command('list').summary('all groups').description('Lists all groups, with names and counts.'),
    done,
    async ({ out, server }) => {
      const groups = await server.list<AdminGroupView>('/http/admin/groups');
      const rows = groups.map((one) => [
        String(one.id),
        one.name,
        `owner ${one.owner_id}`,
        counted(one.member_count, 'member'),
        `${count(one.message_count)} messages`,
        [...(one.is_private ? ['private'] : []), ...(one.is_frozen ? ['frozen'] : [])].join(', '),
      ]);
      for (const line of columns(rows)) out.line(line);
      if (groups.length === 0) out.line('There are no groups.');
      out.json({ ok: true, groups });
    },
  );

  onServer(
    withReason(
      group
        .command('freeze')
        .summary('let a group only be read')
        .description('Lets a group only be read from now on, or ends that.')
        .argument(...GROUP)
        .option('--end', 'let its members write again'),
    ),
    done,
    async ({ out, server }, options, word) => {
      const change = { is_frozen: options['end'] !== true, ...reasonIn(options) };
      const changed = await server.act<AdminGroupView>('PATCH', path(word), change);
      out.line(
        `Group ${changed.id} (${changed.name}) ${changed.is_frozen ? 'can only be read' : 'can be written to again'}.`,
      );
      out.json({ ok: true, group: changed });
    },
  );

  onServer(
    withReason(
      group
        .command('hand-over')
        .summary('give a group another owner')
        .description('Makes another member the owner of a group.')
        .argument(...GROUP)
        .argument('<person>', 'the new owner: a mail address, or a number', person),
    ),
    done,
    async ({ out, server }, options, word, owner) => {
      const change = { owner_id: await personIn(server, owner), ...reasonIn(options) };
      const changed = await server.act<AdminGroupView>('PATCH', path(word), change);
      out.line(`Group ${changed.id} (${changed.name}) belongs to user ${changed.owner_id}.`);
      out.json({ ok: true, group: changed });
    },
  );

  onServer(
    withYes(
      withReason(
        group
          .command('delete')
          .summary('delete a group')
          .description('Deletes a group, with all that is in it.')
          .argument(...GROUP),
      ),
    ),
    done,
    async ({ out, server }, options, word) => {
      await assertMeant(options, `Group ${word} is deleted for ever, with all that is in it.`);
      await server.act('DELETE', path(word), reasonIn(options));
      out.line(`Group ${word} is deleted.`);
      out.json({ ok: true, id: Number(word) });
    },
  );
};
