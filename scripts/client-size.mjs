// How large the client's entry points are for whoever bundles them: minified, gzipped, in KB of 1,024 bytes. Ends with 1 where one is
// larger than it may be. `npm run check` runs it; it needs no build, and takes the sources.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, defaultClientConditions } from 'vite';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRY = 'entry-of-client-size.js';

/**
 * What one imports, what the page has already, and how many KB that may be. The first one had 39, and half a KB more for what moderation and
 * the owners of groups need: reports, frozen groups, people who are suspended, groups that are deleted.
 */
const BUNDLES = [
  { name: 'parley-client, socket.io-client in it', from: 'parley-client', most: 39.5 },
  { name: 'parley-client/react', from: 'parley-client/react', beside: ['react'], most: 0.6 },
  { name: 'parley-client/signals', from: 'parley-client/signals', beside: ['@preact/signals-core'], most: 0.6 },
];

async function sizeOf({ from, beside = [] }) {
  const built = await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['parley-source', ...defaultClientConditions] },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id.endsWith(ENTRY) ? ENTRY : undefined),
        load: (id) => (id === ENTRY ? `export * from '${from}';` : undefined),
      },
    ],
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      // Not as a library, of which Vite leaves the white space.
      rollupOptions: { input: ENTRY, external: beside, preserveEntrySignatures: 'strict', output: { format: 'es' } },
    },
  });
  const { output } = built;
  if (output.length !== 1) throw new Error(`${from} became ${output.length} files.`);
  return gzipSync(output[0].code, { level: 9 }).length / 1024;
}

let isTooLarge = false;
for (const bundle of BUNDLES) {
  const size = await sizeOf(bundle);
  const verdict = size > bundle.most ? ` TOO LARGE` : '';
  isTooLarge ||= size > bundle.most;
  console.log(`${bundle.name.padEnd(40)}${size.toFixed(2).padStart(6)} KB of ${bundle.most.toFixed(1)}${verdict}`);
}
process.exitCode = isTooLarge ? 1 : 0;
