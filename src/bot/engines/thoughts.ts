interface Tag {
  open: string;
  close: RegExp;
  /** No shorter than the text of the closing tag. */
  length: number;
}

/** What models put around what they think before they speak, in any case. */
const TAGS: readonly Tag[] = [
  ...['think', 'thinking', 'thought', 'reasoning'].map((name) => ({
    open: `<${name}>`,
    close: new RegExp(`</${name}>`, 'i'),
    length: name.length + 3,
  })),
  { open: '[think]', close: /\[\/think\]/i, length: 8 },
];

/**
 * Takes the thoughts from the beginning of an answer that comes in pieces. Only from there: whoever asks what `<think>` means gets an
 * answer with that word in it. Thoughts without an end leave nothing.
 */
export class WithoutThoughts {
  /** What may still turn out to be a tag. */
  private held = '';
  /** Around the thoughts that run right now. */
  private tag: Tag | undefined;
  private hasBegun = false;

  /** What of the answer is certain by now. */
  push(piece: string): string {
    if (this.hasBegun) return piece;
    this.held += piece;
    for (;;) {
      if (this.tag) {
        const end = this.tag.close.exec(this.held);
        if (!end) {
          // No more than what the end may have begun in: a model can think for megabytes.
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

  /** What was held back and is no tag, now that nothing more comes. */
  end(): string {
    return this.hasBegun || this.tag ? '' : this.held;
  }
}

/** The same for an answer that is there in one piece. */
export function withoutThoughts(answer: string): string {
  const thoughts = new WithoutThoughts();
  return thoughts.push(answer) + thoughts.end();
}
