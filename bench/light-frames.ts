// WebSocket frames (RFC 6455) as the generator needs them: whole text frames, one chunk of a stream after another.

const TEXT = 0x81;
const CLOSE = 0x88;
const MASKED = 0x80;
const MASK_LENGTH = 4;
/** Lengths from here on stand in two bytes of their own. */
const SHORT = 126;
const LONGEST = 0xffff;

/** A client's text frame. Its mask is zero: allowed, and nothing has to be computed. */
export function frameOf(text: string): Buffer {
  const length = Buffer.byteLength(text);
  if (length > LONGEST) throw new Error(`${length} bytes do not go into one frame here`);
  const head = (length < SHORT ? 2 : 4) + MASK_LENGTH;
  const frame = Buffer.alloc(head + length);
  frame[0] = TEXT;
  frame[1] = MASKED | Math.min(length, SHORT);
  if (length >= SHORT) frame.writeUInt16BE(length, 2);
  frame.write(text, head);
  return frame;
}

/** Cuts what a server sends into the contents of its frames. */
export class FrameReader {
  private rest: Buffer | undefined;

  /** @param onText called with each text; it may be kept: no memory is used again */
  constructor(
    private readonly onText: (text: Buffer) => void,
    private readonly onClose: () => void,
  ) {}

  read(chunk: Buffer): void {
    const bytes = this.rest ? Buffer.concat([this.rest, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= 2) {
      const short = bytes[at + 1];
      let start = at + 2;
      let length = short;
      if (short >= SHORT) {
        start += short === SHORT ? 2 : 8;
        if (start > bytes.length) break;
        length = short === SHORT ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      }
      if (start + length > bytes.length) break;
      if (bytes[at] === TEXT) this.onText(bytes.subarray(start, start + length));
      else if (bytes[at] === CLOSE) this.onClose();
      at = start + length;
    }
    this.rest = at < bytes.length ? bytes.subarray(at) : undefined;
  }
}
