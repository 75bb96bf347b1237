import { type PassThrough, Readable } from 'node:stream';
import { ZipFile } from 'yazl';

/** Bytes of a part: fewer than the smallest column for bytes holds, and than a packet of any database. */
export const PART_BYTES = 60 * 1024;
/** Parts that are stored by one transaction. */
const PARTS_AT_ONCE = 4;

/** A file in a zip file. */
export interface ZippedFile {
  name: string;
  /** Begins to read it. */
  texts: () => AsyncIterable<string>;
}

/** Packs files into a zip file, which comes as parts, a few at a time. Reads no further than they are taken. */
export async function* zipInParts(files: readonly ZippedFile[], mtime: Date): AsyncGenerator<Buffer[]> {
  const zip = new ZipFile();
  const out = zip.outputStream as PassThrough;
  let source: Readable | undefined;
  zip.on('error', (error: Error) => out.destroy(error));
  for (const { name, texts } of files)
    zip.addReadStreamLazy(name, { mtime }, (opened) => {
      source = Readable.from(texts(), { highWaterMark: 1 });
      // The library listens to none of these.
      source.once('error', (error) => out.destroy(error));
      opened(null, source);
    });
  zip.end();
  try {
    let rest = Buffer.alloc(0);
    for await (const chunk of out as AsyncIterable<Buffer>) {
      rest = Buffer.concat([rest, chunk]);
      if (rest.length < PARTS_AT_ONCE * PART_BYTES) continue;
      const whole = rest.length - (rest.length % PART_BYTES);
      yield cut(rest.subarray(0, whole));
      rest = rest.subarray(whole);
    }
    if (rest.length > 0) yield cut(rest);
  } finally {
    source?.destroy();
    out.destroy();
  }
}

const cut = (bytes: Buffer): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / PART_BYTES) }, (_, i) =>
    bytes.subarray(i * PART_BYTES, (i + 1) * PART_BYTES),
  );
