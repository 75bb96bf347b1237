// Builds the web client into web/dist, where the server finds it: only when what it is made of differs from what it was made of last.
// Beside each file lie its compressed forms. Does nothing where there is no web/.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WEB = join(ROOT, 'web');
const BUILT = join(WEB, 'dist');
/** Holds the hash of the sources. It is written last, so that a build that broke off is done again. */
const STAMP = join(BUILT, '.stamp');
const SOURCES = ['web', 'client/src', 'client/package.json', 'package-lock.json', 'scripts/build-web.mjs'];
const NO_SOURCES = new Set(['web/dist', 'web/test', 'web/node_modules']);

const COMPRESSIBLE = new Set(['.css', '.js', '.json', '.map', '.svg', '.txt', '.webmanifest']);
/** Smaller ones fit into one packet as they are. */
const COMPRESS_FROM_BYTES = 1_024;

function* filesIn(path) {
  if (NO_SOURCES.has(path) || path.endsWith('.tsbuildinfo')) return;
  const entries = readdirSync(join(ROOT, path), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const inside = `${path}/${entry.name}`;
    if (entry.isDirectory()) yield* filesIn(inside);
    else if (!entry.name.endsWith('.tsbuildinfo')) yield inside;
  }
}

function hashOfSources() {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    for (const file of extname(source) ? [source] : filesIn(source)) {
      const content = readFileSync(join(ROOT, file));
      hash.update(`${file}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest('hex');
}

function compress(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { parentPath, name } of files) {
    const file = join(parentPath, name);
    const content = readFileSync(file);
    if (!COMPRESSIBLE.has(extname(name)) || content.length < COMPRESS_FROM_BYTES) continue;
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    writeFileSync(`${file}.br`, brotliCompressSync(content, { params }));
    writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  }
}

async function buildWeb() {
  if (!existsSync(join(WEB, 'index.html'))) return;
  const hash = hashOfSources();
  const isBuilt = () => existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash;
  if (isBuilt()) return;
  // Vite builds for what this says, and a development build does not find its own files.
  process.env.NODE_ENV = 'production';
  const { build } = await import('vite');
  // Put in its place as a whole: a server that starts meanwhile finds the old one, the new one, or for a moment none; never a part.
  const fresh = join(WEB, 'node_modules', `.parley-web-${process.pid}`);
  const old = `${fresh}-old`;
  try {
    await build({
      configFile: join(WEB, 'vite.config.ts'),
      logLevel: 'warn',
      build: { outDir: fresh, emptyOutDir: true },
    });
    compress(fresh);
    writeFileSync(join(fresh, '.stamp'), hash);
    if (existsSync(BUILT)) renameSync(BUILT, old);
    renameSync(fresh, BUILT);
  } catch (error) {
    // Another process builds the same at the same time, and was faster.
    if (!isBuilt()) throw error;
  } finally {
    for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
  }
}

await buildWeb();
