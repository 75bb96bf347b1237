import type { AdminUserDetails } from '../../admin/dto/admin-users.dto.js';
import type { AddCommands } from '../command.js';
import { HOW, onServer, PERSON, personIn, reasonIn, withReason } from '../console/on-server.js';

export const exportCommand: AddCommands = (program, done) => {
  onServer(
    withReason(
      program
        .command('export')
        .summary('have their data sent to somebody')
        .description(
          `Has an export made of what is somebody's own: for a person who has asked you for their data. A mail with the link goes to their address alone, and nothing of it is shown here. Once a day. ${HOW}`,
        )
        .argument(...PERSON),
    ),
    done,
    async ({ out, server }, options, word) => {
      const at = `/http/admin/users/${await personIn(server, word)}`;
      const { id, email } = await server.get<AdminUserDetails>(at);
      await server.act('POST', `${at}/export`, reasonIn(options));
      const when = server.isAlone ? 'is made by the next server' : 'is being made';
      out.line(`The export of user ${id} ${when}. A mail with the link, good for 48 hours, goes to`);
      out.line(`${email}, and to nobody else.`);
      out.json({ ok: true, id, email });
    },
  );
};
