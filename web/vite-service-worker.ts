import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';

const SOURCE = fileURLToPath(new URL('worker/sw.ts', import.meta.url));

/**
 * Builds worker/sw.ts into `sw.js`, one file without imports, and tells it what the build has made. Its name never changes: browsers look
 * at this address for a new version.
 */
export function serviceWorker(): Plugin {
  return {
    name: 'parley-service-worker',
    apply: 'build',
    generateBundle: {
      // After Vite has made index.html of the names of all others.
      order: 'post',
      async handler(_, bundle) {
        const files = Object.values(bundle).filter(({ fileName }) => /^assets\/|^index\.html$/.test(fileName));
        const shell = files.map(({ fileName }) => fileName).sort();
        const hash = createHash('sha256');
        for (const file of files) hash.update(file.fileName).update(file.type === 'chunk' ? file.code : file.source);
        const version = hash.digest('base64url').slice(0, 12);
        this.emitFile({ type: 'asset', fileName: 'sw.js', source: await built(shell, version) });
      },
    },
  };
}

async function built(shell: readonly string[], version: string): Promise<string> {
  const output = await build({
    configFile: false,
    logLevel: 'warn',
    define: { SHELL: JSON.stringify(shell), VERSION: JSON.stringify(version) },
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      rollupOptions: { input: SOURCE, output: { format: 'iife' } },
    },
  });
  for (const one of [output].flat()) {
    for (const part of 'output' in one ? one.output : []) if (part.type === 'chunk') return part.code;
  }
  throw new Error('The service worker was not built.');
}
