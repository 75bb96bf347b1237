import { signal } from '@preact/signals';

/** Chromium's; in no standard. */
interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

/** What the browser has given to install the app with. */
export const installPrompt = signal<InstallPrompt | undefined>(undefined);

/** Before anything else of this folder is loaded: the browser says so once. Its own invitation is held back for a quieter moment. */
export function listenForInstallPrompt(): void {
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    installPrompt.value = event as InstallPrompt;
  });
  addEventListener('appinstalled', () => (installPrompt.value = undefined));
}
