import { computed } from '@preact/signals';
import { days, install } from './device.js';
import { installPrompt } from './install-prompt.js';

/** Whoever has come back so often knows what they would install. */
const OFFERED_AFTER_DAYS = 3;

const isInstalled = matchMedia('(display-mode: standalone)').matches;

/** How the app can be installed here: by a button, or by hand on iPhone and iPad, which tell in `standalone` that it is not. */
export const wayToInstall = computed<'button' | 'by_hand' | undefined>(() => {
  if (isInstalled || !isSecureContext) return undefined;
  if (installPrompt.value) return 'button';
  return (navigator as { standalone?: boolean }).standalone === false ? 'by_hand' : undefined;
});

/** To be said once, under the list. */
export const isInstallOffered = computed(
  () => install.value === undefined && wayToInstall.value !== undefined && count() > OFFERED_AFTER_DAYS,
);

const count = (): number => Number(days.value?.split(' ')[0] ?? 0);

/** Today is a day on which the app was used. */
export function countToday(now = new Date()): void {
  const today = `${now.getFullYear()}-${now.getMonth() + 1}-${now.getDate()}`;
  if (days.peek()?.split(' ')[1] !== today) days.choose(`${count() + 1} ${today}`);
}

/** Call it in the handler of a click: the browser asks for one. */
export async function installNow(): Promise<void> {
  const prompt = installPrompt.peek();
  // It can be used once. Whoever changes their mind finds it in the settings when the browser offers it again.
  installPrompt.value = undefined;
  install.choose('done');
  await prompt?.prompt();
}
