import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { Mark } from '../parts/icons.js';
import { server } from '../parley.js';
import { to } from '../router.js';

/** A page for those who are not in: what it is for at the left, a dialogue at the right where there is room. */
export function Door({ title, children }: { title: string; children: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · Parley`;
  }, [title]);
  return (
    <div class="door">
      <main>{children}</main>
      <aside class="stage" aria-hidden="true">
        <Mark class="great" />
        <div class="play">
          <div>
            <b>Ada</b>
            <p>Hello Alan, can you read this?</p>
          </div>
          <div class="x">
            <b>Alan</b>
            <p>I can, Ada. Can machines?</p>
          </div>
          <div>
            <b>Ada</b>
            <p>This one stores it, at least.</p>
          </div>
        </div>
      </aside>
    </div>
  );
}

export function Brand() {
  return (
    <a class="brand" href={to('login')}>
      <Mark />
      Parley
    </a>
  );
}

/** What the operator tells everybody. Below all else, since it comes a moment later. */
export function Motd() {
  const motd = server.value?.motd ?? null;
  return motd === null ? null : <p class="note as-written">{motd}</p>;
}

/** Where this is: `chat.example.org`. */
export const place = (): string => location.host + to('').replace(/\/$/, '');
