// Tables in Markdown, padded for a terminal: what each subject did, and how two builds differ.
import { ALONE, each, FIGURE_NAMES, type FigureName, meaningOf, type Reading, roundsOf } from './figures.js';
import { type Difference, differenceOf, ratiosOf, type Spread, spreadOf } from './stats.js';

/** What the others are held against, where they were measured as well. */
const BASES = ['socket.io', 'limit', 'fastify', ALONE] as const;

function number(value: number): string {
  if (Number.isNaN(value)) return '?';
  const size = Math.abs(value);
  const digits = size >= 100 || value === 0 ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const share = (value: number): string => (Number.isNaN(value) ? '?' : `${Math.round(value * 100)}%`);

/** The median, and behind it the least and the greatest of the rounds. */
function written({ median, min, max }: Spread, as: (value: number) => string): string {
  const [middle, least, greatest] = [median, min, max].map(as);
  return least === greatest ? middle : `${middle} (${least}–${greatest})`;
}

function cell(values: number[], name?: FigureName): string {
  if (values.length === 0) return '';
  return written(spreadOf(values), name && meaningOf(name).isShare ? share : number);
}

function table(head: string[], body: string[][]): string {
  const cells = [head, ...body];
  const widths = head.map((_, i) => Math.max(3, ...cells.map((line) => line[i].length)));
  const line = (parts: string[]): string => `| ${parts.map((part, i) => part.padEnd(widths[i])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

/** What a work is about: the figure that each of its readings names first. */
const headlineOf = (reading: Reading): FigureName => Object.keys(reading.figures)[0] as FigureName;

/** All works of one family on all subjects, and their ratios to the baselines. */
export function familyTable(readings: Reading[]): string {
  const names = FIGURE_NAMES.filter((name) => readings.some(({ figures }) => figures[name] !== undefined));
  // At a pace that was given, the rate is no merit.
  const isPaced = readings[0].family === 'W1p' && headlineOf(readings[0]) === 'messages/s';
  const bases = isPaced ? [] : BASES.filter((base) => each(readings, 'subject').includes(base));
  const [headline, ...others] = names.toSorted(
    (a, b) => Number(b === headlineOf(readings[0])) - Number(a === headlineOf(readings[0])),
  );
  const body = each(readings, 'work').flatMap((work) =>
    each(
      readings.filter((reading) => reading.work === work),
      'subject',
    ).map((subject) => {
      const values = (name: FigureName): number[] => roundsOf(readings, work, subject, name);
      const ratios = bases.map((base) => {
        const theirs = roundsOf(readings, work, base, headline);
        return theirs.length === 0 || base === subject ? '' : cell(ratiosOf(values(headline), theirs));
      });
      return [work, subject, cell(values(headline)), ...ratios, ...others.map((name) => cell(values(name), name))];
    }),
  );
  return table(['work', 'subject', headline, ...bases.map((base) => `of ${base}`), ...others], body);
}

function judged(difference: Difference, name: FigureName): string {
  if (difference === 'more' || difference === 'less')
    return `${difference === meaningOf(name).better ? 'better' : 'worse'}, beyond the spread`;
  return difference;
}

/** This working tree beside the older commit, figure by figure; what is only an explanation is left out. */
export function comparison(readings: Reading[], revision: string): string {
  const body = each(readings, 'work').flatMap((work) =>
    each(readings, 'subject').flatMap((subject) =>
      FIGURE_NAMES.filter((name) => meaningOf(name).better !== undefined).flatMap((name) => {
        const [now, before] = [subject, `${subject}@${revision}`].map((one) => roundsOf(readings, work, one, name));
        // A pace that was given is no difference.
        const isGiven = name === 'messages/s' && work.startsWith('W1 paced');
        // In all rounds of both: some have too few messages for a p99.9.
        const rounds = readings.filter((reading) => reading.work === work && reading.subject === subject).length;
        const isThere = now.length === rounds && before.length === rounds && [...now, ...before].some(Boolean);
        if (!isThere || isGiven) return [];
        const ratios = ratiosOf(now, before);
        return [[work, subject, name, cell(before), cell(now), cell(ratios), judged(differenceOf(ratios), name)]];
      }),
    ),
  );
  return table(['work', 'on', 'figure', revision, 'now', 'now/before', 'difference'], body);
}
