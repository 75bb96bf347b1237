import { defaultClientConditions, defineConfig } from 'vite';
import { serviceWorker } from './vite-service-worker.ts';

/** Where `npm run start:dev` has the server listen. */
const SERVER = process.env['PARLEY_SERVER'] ?? 'http://localhost:3000';

export default defineConfig({
  root: import.meta.dirname,
  // Nothing built knows where it is served: the server puts the path of PUBLIC_URL in front of what index.html links to, and chunks find
  // each other by their own addresses.
  base: './',
  // The client library is built from its sources, with whatever has changed in them.
  resolve: { conditions: ['parley-source', ...defaultClientConditions] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [serviceWorker()],
  build: {
    target: 'es2022',
    // Data: addresses are no better than files, and the content security policy allows no scripts or styles of them.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    port: 5173,
    proxy: {
      '/http': SERVER,
      '/health': SERVER,
      '/dev/mail': SERVER,
      '/socket': { target: SERVER, ws: true },
    },
  },
});
