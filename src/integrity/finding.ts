/** Something that is stored, and must not be so. */
export interface Finding {
  /** What kind of fault it is: `gap`, `mark`, `total`. */
  kind: string;
  /** Where: `chat 3`, `user 7`, `message 12 of chat 3`. */
  where: string;
  /** A sentence. No text of a message is ever in it. */
  text: string;
}

export const finding = (kind: string, where: string, text: string): Finding => ({ kind, where, text });
