interface Tag {
  open: string;
  close: RegExp;
  /** No shorter than the text of the closing tag. */
  length: number;
}

/** Tags that models put around their thoughts before the answer, in any case of letters. */
const TAGS: readonly Tag[] = [
  ...['think', 'thinking', 'thought', 'reasoning'].map((name) => ({
    open: `<${name}>`,
    close: new RegExp(`</${name}>`, 'i'),
    length: name.length + 3,
  })),
  { open: '[think]', close: /\[\/think\]/i, length: 8 },
];

/**
 * Removes the thoughts from the beginning of an answer that comes in pieces. Only there: an answer may contain `<think>` for other reasons.
 * Thoughts without an end leave nothing.
 */
export class WithoutThoughts {
  /** Text that may still become a tag. */
  private held = '';
  /** The tags of the thoughts that are being read. */
  private tag: Tag | undefined;
  private hasBegun = false;

  /** The next part of the answer that is certain. */
  push(piece: string): string {
    if (this.hasBegun) return piece;
    this.held += piece;
    for (;;) {
      if (this.tag) {
        const end = this.tag.close.exec(this.held);
        if (!end) {
          // Keeps only what may be the beginning of the closing tag: thoughts can be megabytes.
          this.held = this.held.slice(-this.tag.length);
          return '';
        }
        this.held = this.held.slice(end.index + end[0].length);
      }
      this.held = this.held.trimStart();
      this.tag = TAGS.find(({ open }) => this.held.slice(0, open.length).toLowerCase() === open);
      if (!this.tag) {
        const start = this.held.toLowerCase();
        this.hasBegun = !TAGS.some(({ open }) => open.startsWith(start));
        return this.hasBegun ? this.held : '';
      }
      this.held = this.held.slice(this.tag.open.length);
    }
  }

  /** At the end: text that was held back and is no tag. */
  end(): string {
    return this.hasBegun || this.tag ? '' : this.held;
  }
}

/** The same for a whole answer. */
export function withoutThoughts(answer: string): string {
  const thoughts = new WithoutThoughts();
  return thoughts.push(answer) + thoughts.end();
}
