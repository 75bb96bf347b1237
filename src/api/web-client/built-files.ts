import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, sep } from 'node:path';

/** Encodings of a file that lie beside it, by the ending of their names; the first is the smallest. */
const ENCODINGS = { br: '.br', gzip: '.gz' } as const;
type Encoding = keyof typeof ENCODINGS;

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};

/** The builder puts a hash of the content into the names of these. */
const HASHED = '/assets/';
const FOR_EVER = 'public, max-age=31536000, immutable';
/** Kept, but never used without asking whether it is still the same. */
export const ASK_EACH_TIME = 'no-cache';

export interface BuiltFile {
  readonly type: string;
  readonly cacheControl: string;
  readonly etag: string;
  readonly content: Buffer;
  readonly encoded: ReadonlyMap<Encoding, Buffer>;
}

/**
 * The files below a folder by their paths (`/assets/index-1a2b.js`), read once: no request reaches the file system, and pages that are
 * open find the parts of their own build until the server starts again. Names that begin with a dot are left out.
 */
export function readBuiltFiles(folder: string): Map<string, BuiltFile> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length).split(sep).join('/'))
    .map((path) => (path.startsWith('/') ? path : `/${path}`))
    .filter((path) => !path.includes('/.'));
  const known = new Set(paths);
  const isEncoded = (path: string): boolean =>
    Object.values(ENCODINGS).some((ending) => path.endsWith(ending) && known.has(path.slice(0, -ending.length)));
  const read = (path: string): Buffer => readFileSync(join(folder, path));
  return new Map(
    paths
      .filter((path) => !isEncoded(path))
      .map((path) => {
        const encoded = (Object.keys(ENCODINGS) as Encoding[])
          .filter((encoding) => known.has(path + ENCODINGS[encoding]))
          .map((encoding) => [encoding, read(path + ENCODINGS[encoding])] as const);
        return [path, builtFile(path, read(path), new Map(encoded))];
      }),
  );
}

export const builtFile = (path: string, content: Buffer, encoded: BuiltFile['encoded'] = new Map()): BuiltFile => ({
  type: TYPES[extname(path)] ?? 'application/octet-stream',
  cacheControl: path.startsWith(HASHED) ? FOR_EVER : ASK_EACH_TIME,
  etag: createHash('sha256').update(content).digest('base64url').slice(0, 27),
  content,
  encoded,
});
