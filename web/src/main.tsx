import { render } from 'preact';
import { App } from './app.js';
import { parley } from './parley.js';
import { listenForInstallPrompt } from './pwa/install-prompt.js';
import { listenForRoutes } from './router.js';
import './style.css';

listenForRoutes();
listenForInstallPrompt();
void parley.resume();
render(<App />, document.getElementById('app')!);

addEventListener('load', () => {
  import('./pwa/start.js').then(
    ({ startPwa }) => startPwa(),
    // Away from the network: it is there again after the next load.
    () => undefined,
  );
});
