import { signal } from '@preact/signals';
import { ParleyError } from 'parley-client';
import { parley } from '../parley.js';

/*
 * Between registering and the link in the mail: this tab keeps address and password, in memory alone, so that nothing is typed twice. A
 * tab that the link opens asks the others over a channel; the one that waits logs in, and says so.
 */

export interface Registered {
  readonly email: string;
  readonly password: string;
}

/** Undefined where this tab did not register anybody, or was reloaded. */
export const registered = signal<Registered | undefined>(undefined);

/** Tries at becoming visible: there is a limit of ten a quarter of an hour, and a person wants some for themselves. */
const MOST_TRIES = 5;
const ASK_FOR_MS = 3_000;

/** As the server spells an address: `Ada@Bücher.example` and `ada@xn--bcher-kva.example` are the same. */
function spelled(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  const host = `http://${address.slice(at)}`;
  return (address.slice(0, at) + (URL.canParse(host) ? new URL(host).hostname : address.slice(at))).toLowerCase();
}

type News = { readonly confirmed: string } | { readonly entered: string };

const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel('parley-doors') : undefined;

// A channel has no other origin to name.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
const tell = (news: News): void => channel?.postMessage(news);

/** On `/mail`: logs in as soon as the address is confirmed, in whichever browser. @returns how to stop */
export function waitForConfirmation({ email, password }: Registered): () => void {
  let tries = 0;
  let isTrying = false;
  const enter = async (): Promise<void> => {
    if (isTrying) return;
    isTrying = true;
    try {
      await parley.login(email, password);
      registered.value = undefined;
      tell({ entered: spelled(email) });
    } catch (thrown) {
      // Not confirmed yet is `login_failed`: whoever knows the password learns no more than others.
      if (!ParleyError.is(thrown, 'login_failed')) throw thrown;
    } finally {
      isTrying = false;
    }
  };
  const hear = ({ data }: MessageEvent<News>): void => {
    if ('confirmed' in data && data.confirmed === spelled(email)) enter().catch(() => {});
  };
  const look = (): void => {
    if (document.visibilityState !== 'visible' || tries >= MOST_TRIES) return;
    tries++;
    enter().catch(() => {});
  };
  channel?.addEventListener('message', hear);
  document.addEventListener('visibilitychange', look);
  return () => {
    channel?.removeEventListener('message', hear);
    document.removeEventListener('visibilitychange', look);
  };
}

/** On `/welcome`: whether another tab of this browser waited for this, and has logged in. */
export function tellWaitingTab(email: string): Promise<boolean> {
  if (!channel) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (isIn: boolean): void => {
      clearTimeout(timer);
      channel.removeEventListener('message', hear);
      resolve(isIn);
    };
    const hear = ({ data }: MessageEvent<News>): void => {
      if ('entered' in data && data.entered === spelled(email)) end(true);
    };
    const timer = setTimeout(() => end(false), ASK_FOR_MS);
    channel.addEventListener('message', hear);
    tell({ confirmed: spelled(email) });
  });
}
