// The words for what is measured, and what one round of a work says.

interface Meaning {
  /** What is better; none of what only explains the others. */
  better?: 'more' | 'less';
  /** A share of a core. */
  isShare?: boolean;
}

/** In the order of the tables' columns. */
export const FIGURES = {
  'messages/s': { better: 'more' },
  'deliveries/s': { better: 'more' },
  'requests/s': { better: 'more' },
  'connections/s': { better: 'more' },
  /** Of several nodes: microseconds of CPU of everything that is theirs for each delivery, and how many of those `alone` does not take. */
  'µs/delivery': { better: 'less' },
  'µs added': { better: 'less' },
  /** The same for each message, and what it is made of. */
  'µs/message': { better: 'less' },
  'µs nodes': { better: 'less' },
  'µs database': { better: 'less' },
  'µs Redis': { better: 'less' },
  /** What Redis was sent for each message, and what went over it in both directions. */
  'Redis commands': { better: 'less' },
  'Redis bytes': { better: 'less' },
  /** Microseconds of the server's and its database's CPU for each message, delivery, request or connection. */
  'µs CPU each': { better: 'less' },
  /** For each connection: live heap and buffers; and what the process has of the machine's memory. */
  'KiB held': { better: 'less' },
  'KiB resident': { better: 'less' },
  'p50 ms': { better: 'less' },
  'p99 ms': { better: 'less' },
  'p99.9 ms': { better: 'less' },
  /** Until the other one of the pair has it; the three above, until it is acknowledged. */
  'reader p50 ms': { better: 'less' },
  'reader p99 ms': { better: 'less' },
  /** Messages that were not taken. */
  refused: { better: 'less' },
  /** Statements to the database for each connection. */
  statements: { better: 'less' },
  server: { isShare: true },
  database: { isShare: true },
  redis: { isShare: true },
  'Redis commands/s': {},
  'Redis KiB/s': {},
  generator: { isShare: true },
  /** How late messages left the generator (99th percentile). */
  'sent late ms': {},
  /** How late timers were inside the server. */
  'loop p99 ms': { better: 'less' },
  'loop max ms': {},
  /** The longest pause of the garbage collector, and the share of time in pauses. */
  'GC max ms': {},
  GC: { isShare: true },
  /** Cores that processes of others took meanwhile, and that the hypervisor kept back. */
  others: { isShare: true },
  stolen: { isShare: true },
} satisfies Record<string, Meaning>;

export type FigureName = keyof typeof FIGURES;
export type Figures = Partial<Record<FigureName, number>>;
export const FIGURE_NAMES = Object.keys(FIGURES) as FigureName[];
export const meaningOf = (name: FigureName): Meaning => FIGURES[name];

/** What one round of one work on one subject said. */
export interface Reading {
  /** W1, W2 …: the works that share a table. */
  family: string;
  work: string;
  subject: string;
  round: number;
  figures: Figures;
}

/** The subject that several nodes are held against: one without Redis. */
export const ALONE = 'alone';

/** A figure in all rounds, in their order. */
export const roundsOf = (readings: readonly Reading[], work: string, subject: string, name: FigureName): number[] =>
  readings
    .filter((reading) => reading.work === work && reading.subject === subject)
    .map(({ figures }) => figures[name])
    .filter((figure) => figure !== undefined);

/** Works or subjects that were measured, each once, in the order in which they were. */
export const each = (readings: Reading[], key: 'family' | 'work' | 'subject'): string[] => [
  ...new Set(readings.map((reading) => reading[key])),
];
