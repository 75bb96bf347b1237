import { type ReadonlySignal, signal } from '@preact/signals';
import { ofDevice } from '../parts/kept.js';

/*
 * What one has chosen on this device, whoever is logged in; the same in all tabs.
 */

interface Choice<T extends string> extends ReadonlySignal<T | undefined> {
  readonly choose: (value: T) => void;
}

function kept<T extends string>(name: string): Choice<T> {
  const key = `parley:${name}`;
  const read = (): T | undefined => ofDevice.read(key) as T | undefined;
  const current = signal(read());
  addEventListener('storage', (event) => {
    if (event.key === key || event.key === null) current.value = read();
  });
  const choose = (value: T): void => {
    current.value = value;
    ofDevice.write(key, value);
  };
  return Object.assign(current, { choose });
}

/** Undefined: never asked. `off`: never ask. */
export const notifications = kept<'on' | 'off'>('notifications');
/** Whether notifications say what was written. Undefined: they do. */
export const notifiedText = kept<'shown' | 'hidden'>('notified-text');
/** `done`: installed, or not wanted. */
export const install = kept<'done'>('install');
/** What the operator said, and somebody has read. */
export const readMotd = kept<string>('motd');
/** `3 2026-11-26`: on how many days the app was used, and the last of them. */
export const days = kept<string>('days');
