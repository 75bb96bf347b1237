import type { AuditEntryView } from '../../admin/dto/audit.dto.js';
import type { AddCommands } from '../command.js';
import { onServer } from '../console/on-server.js';
import { wholeNumber } from '../arguments.js';
import { columns } from '../output.js';

export const auditCommand: AddCommands = (program, done) =>
  onServer(
    program
      .command('audit')
      .summary('who has done what')
      .description(
        'Shows the newest 100 rows of the audit log: what admins, moderators and the command line have done. parley verify checks it.',
      )
      .option('--before <row>', 'those before this row', wholeNumber),
    done,
    async ({ out, server }, options) => {
      const { before } = options;
      const entries = await server.get<AuditEntryView[]>(
        `/http/admin/audit${typeof before === 'string' ? `?before=${before}` : ''}`,
      );
      const rows = entries.map(({ id, at, actor_id: actorId, action, target, detail }) => [
        String(id),
        at,
        actorId === null ? 'console' : `user ${actorId}`,
        action,
        target,
        JSON.stringify(detail),
      ]);
      for (const line of columns(rows)) out.line(line);
      if (entries.length === 0) out.line('Nothing was done yet.');
      out.json({ ok: true, entries });
    },
  );
