/** What strangers have written must not take hold of a terminal: control characters but line breaks and tabs, and marks that turn the direction. */
const MOVES_THE_CURSOR = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Where a command says what it has found: lines for people, or one object of JSON. What goes on meanwhile stands in stderr. */
export class Output {
  private answer: object | undefined;
  private readonly warnings = new Set<string>();

  constructor(readonly isJson: boolean) {}

  /** A line of the answer for people. */
  line(text: string): void {
    if (!this.isJson) process.stdout.write(`${text.replace(MOVES_THE_CURSOR, '\ufffd')}\n`);
  }

  /** The whole answer for programs. */
  json(answer: object): void {
    this.answer = answer;
  }

  /** What the operator should know beside the answer: once in stderr, and in the JSON as `warnings`. */
  warn(text: string): void {
    if (this.warnings.has(text)) return;
    this.warnings.add(text);
    process.stderr.write(`${text.replace(MOVES_THE_CURSOR, '\ufffd')}\n`);
  }

  /** What is going on, for somebody who waits at a terminal. */
  progress(text: string): void {
    if (process.stderr.isTTY) process.stderr.write(`${text}\n`);
  }

  end(): void {
    if (!this.isJson) return;
    const warnings = this.warnings.size > 0 ? { warnings: [...this.warnings] } : {};
    process.stdout.write(`${JSON.stringify({ ...this.answer, ...warnings }, null, 2)}\n`);
  }
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `3.4 MiB` */
export function size(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `1,234` */
export const count = (number: number): string => number.toLocaleString('en');

/** `1 row`, `1,234 rows` */
export const counted = (number: number, word: string): string => `${count(number)} ${word}${number === 1 ? '' : 's'}`;

/** `1.2 s` */
export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** Lines of columns, each as wide as its widest text. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((text, column) => (widths[column] = Math.max(widths[column] ?? 0, text.length)));
  return rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
