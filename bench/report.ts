import { busySide, type Window } from './workloads/measure.js';

/** One line of the table: a figure of one subject, and its ratio to the baseline's in the same run. */
export interface Row {
  work: string;
  subject: string;
  figure: number;
  unit: string;
  /** To raw Socket.IO doing the same; for costs (bytes, microseconds) the other way round is better. */
  ratio?: number | undefined;
  p50?: number | undefined;
  p99?: number | undefined;
  /** Busy share of a core: server, its database, the generator. */
  server?: number | undefined;
  database?: number | undefined;
  generator?: number | undefined;
  busy?: string | undefined;
  note?: string | undefined;
}

export const loadOf = (window: Window): Pick<Row, 'server' | 'database' | 'generator' | 'busy'> => ({
  ...window.load,
  busy: busySide(window),
});

/** The row of the middle figure. */
export function median(rows: Row[]): Row {
  const sorted = rows.toSorted((a, b) => a.figure - b.figure);
  return sorted[(sorted.length - 1) >> 1];
}

const number = (value: number | undefined, digits = 0): string =>
  value === undefined || Number.isNaN(value)
    ? ''
    : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (share: number | undefined): string =>
  share === undefined || Number.isNaN(share) ? '' : `${Math.round(share * 100)}%`;

const COLUMNS: [string, (row: Row) => string][] = [
  ['work', (row) => row.work],
  ['subject', (row) => row.subject],
  ['figure', (row) => `${number(row.figure, row.figure < 100 ? 2 : 0)} ${row.unit}`],
  ['ratio', (row) => number(row.ratio, 2)],
  ['p50 ms', (row) => number(row.p50, 2)],
  ['p99 ms', (row) => number(row.p99, 2)],
  ['server', (row) => percent(row.server)],
  ['database', (row) => percent(row.database)],
  ['generator', (row) => percent(row.generator)],
  ['busy', (row) => row.busy ?? ''],
  ['note', (row) => row.note ?? ''],
];

/** A table in Markdown, its columns padded for a terminal. */
export function table(rows: Row[]): string {
  const cells = [COLUMNS.map(([name]) => name), ...rows.map((row) => COLUMNS.map(([, cell]) => cell(row)))];
  const widths = COLUMNS.map((_, i) => Math.max(3, ...cells.map((line) => line[i].length)));
  const line = (parts: string[]): string => `| ${parts.map((part, i) => part.padEnd(widths[i])).join(' | ')} |`;
  const [head, ...body] = cells;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}
