import { Option } from 'commander';
import type { AdminReportView, OpenedReport, SettledReport } from '../../admin/dto/admin-reports.dto.js';
import type { AddCommands } from '../command.js';
import { HOW, onServer } from '../console/on-server.js';
import { wholeNumber } from '../arguments.js';
import { columns } from '../output.js';

const REPORT = ['<report>', 'its number', wholeNumber] as const;
const STATUSES = ['open', 'resolved', 'dismissed', 'all'];
const ACTIONS = ['none', 'delete_message', 'suspend'];

const placeOf = (report: AdminReportView): string =>
  `${report.chat_type} ${report.chat_room_id ?? report.chat_group_id}, message ${report.seq}`;

const reporterOf = ({ reporter_id: id }: AdminReportView): string =>
  id === null ? 'somebody who has gone' : `user ${id}`;

const settlerOf = ({ settled_by: id }: AdminReportView): string => (id === null ? 'console' : `user ${id}`);

export const reportCommands: AddCommands = (program, done) => {
  const group = program
    .command('report')
    .summary('settle what people report')
    .description(`Shows messages that people have reported, and settles these reports. ${HOW}`);
  const path = (word: string | undefined): string => `/http/admin/reports/${word}`;

  onServer(
    group
      .command('list')
      .summary('what was reported')
      .description('Lists reports, the newest first, without what was said.')
      .addOption(new Option('--status <status>', 'only those').choices(STATUSES).default('open')),
    done,
    async ({ out, server }, options) => {
      const status = String(options['status']);
      const reports = await server.list<AdminReportView>(
        `/http/admin/reports${status === 'all' ? '' : `?status=${status}`}`,
      );
      const rows = reports.map((one) => [
        String(one.id),
        one.status,
        one.created_at,
        one.reason,
        `of user ${one.reported_id}`,
        placeOf(one),
      ]);
      for (const line of columns(rows)) out.line(line);
      if (reports.length === 0) out.line(status === 'open' ? 'No report waits.' : 'There are none.');
      out.json({ ok: true, reports });
    },
  );

  onServer(
    group
      .command('show')
      .summary('what was said')
      .description('Opens a report: the message, and at most four before it. The audit log notes it each time.')
      .argument(...REPORT),
    done,
    async ({ out, server }, _options, word) => {
      const report = await server.get<OpenedReport>(path(word));
      const rows = [
        ['report', `${report.id}, ${report.status}`],
        ['reason', report.reason],
        ['about', `user ${report.reported_id}, ${placeOf(report)}`],
        ['by', `${reporterOf(report)}, ${report.created_at}`],
        // Further lines begin as those of messages do: none looks like a line of ours.
        ...(report.note === null ? [] : [['note', report.note.replaceAll('\n', '\n        ')]]),
        ...(report.action === null
          ? []
          : [['done', `${report.action}, by ${settlerOf(report)}, ${report.settled_at}`]]),
      ];
      for (const line of columns(rows)) out.line(line);
      for (const { seq, user_id: userId, message, timestamp } of report.messages)
        out.line(`  ${seq}  ${timestamp}  user ${userId}: ${message.replaceAll('\n', '\n     ')}`);
      out.json({ ok: true, report });
    },
  );

  onServer(
    group
      .command('resolve')
      .summary('settle a report')
      .description('Settles a report, and does what is to be done about it.')
      .argument(...REPORT)
      .addOption(new Option('--action <action>', 'what is done').choices(ACTIONS).default('none'))
      .option('--dismiss', 'nothing was wrong'),
    done,
    async ({ out, server }, options, word) => {
      const action = String(options['action']);
      const status = options['dismiss'] === true ? 'dismissed' : 'resolved';
      const report = await server.act<SettledReport>('PATCH', path(word), { status, action });
      const followed = {
        none: '',
        delete_message: ', and the message is deleted',
        suspend: `, and user ${report.reported_id} is suspended`,
      };
      // What was done then may have been undone since.
      const before = `was ${report.status} already, ${report.settled_at}, by ${settlerOf(report)}, action ${report.action}`;
      if (report.was_settled) out.line(`Report ${report.id} ${before}. Nothing was done now.`);
      else out.line(`Report ${report.id} is ${report.status}${followed[report.action ?? 'none']}.`);
      out.json({ ok: true, report });
    },
  );
};
