import { useSignal } from '@preact/signals';
import { ParleyError, type Session } from 'parley-client';
import { useEffect, useRef } from 'preact/hooks';
import { since } from '../format.js';
import { useDeed } from '../parts/deed.js';
import { connection, parley } from '../parley.js';
import { wordsFor } from '../words.js';
import { deviceName } from './device-name.js';
import { Setting } from './setting.js';
import { ErrorLine } from '../parts/error-line.js';

type Loaded = { readonly rows: readonly Session[] } | { readonly error: ParleyError };

/** Where one is logged in. @param version another one: the list is read anew */
export function Devices({ version }: { version: number }) {
  const loaded = useSignal<Loaded | undefined>(undefined);
  const tries = useSignal(0);
  const said = useSignal<string | undefined>(undefined);
  const heading = useRef<HTMLHeadingElement>(null);
  const isOnline = connection.value.state === 'online';
  useEffect(() => {
    let isLate = false;
    parley.sessions.list().then(
      (rows) => !isLate && (loaded.value = { rows: sorted(rows) }),
      // What was read before stays true enough.
      (thrown: unknown) => {
        const before = loaded.peek();
        if (!isLate && (!before || 'error' in before)) loaded.value = { error: ParleyError.from(thrown) };
      },
    );
    return () => {
      isLate = true;
    };
  }, [version, tries.value, isOnline]);
  const now = loaded.value;
  const rows = now && 'rows' in now ? now.rows : [];
  const without = (gone: (session: Session) => boolean, outcome: string): void => {
    // Others may have been ended since this one was asked for.
    const before = loaded.peek();
    if (before && 'rows' in before) loaded.value = { rows: before.rows.filter((session) => !gone(session)) };
    said.value = outcome;
    heading.current?.focus();
  };
  const others = useDeed(() => without(({ current }) => !current, 'All other devices are logged out.'));
  return (
    <section>
      <h2 ref={heading} tabIndex={-1}>
        Devices
      </h2>
      {!now && <p class="none">Loading…</p>}
      {now && 'error' in now && (
        <div class="none" role="alert">
          <p>Could not load your devices. {wordsFor(now.error)}</p>
          <button type="button" class="btn quiet" onClick={() => tries.value++}>
            Try again
          </button>
        </div>
      )}
      {rows.map((session) => (
        <Device
          key={session.id}
          session={session}
          onEnded={() => without(({ id }) => id === session.id, `${deviceName(session.device)} is logged out.`)}
        />
      ))}
      <p class="outcome" role="status">
        {said.value}
      </p>
      {rows.length > 1 && (
        <button
          type="button"
          class="btn text"
          disabled={others.isBusy.value}
          onClick={() => others.run(() => parley.sessions.endOthers())}
        >
          Log out all other devices
        </button>
      )}
      <ErrorLine>{others.error.value}</ErrorLine>
    </section>
  );
}

/** This one first, then the newest. */
const sorted = (rows: readonly Session[]): readonly Session[] =>
  [...rows].sort((a, b) => Number(b.current) - Number(a.current) || b.id - a.id);

function Device({ session, onEnded }: { session: Session; onEnded: () => void }) {
  const { isBusy, error, run } = useDeed(onEnded);
  const name = deviceName(session.device);
  const end = async (): Promise<void> => {
    try {
      await parley.sessions.end(session.id);
    } catch (thrown) {
      // It has ended by itself.
      if (!ParleyError.is(thrown, 'not_found')) throw thrown;
    }
  };
  const day = since(session.created_at);
  return (
    <Setting title={name} note={session.current ? `This device, ${day}` : capital(day)} error={error.value}>
      {session.current ? (
        <span class="tag">Here</span>
      ) : (
        <button type="button" class="btn quiet" disabled={isBusy.value} onClick={() => run(end)}>
          Log out<span class="sr"> {name}</span>
        </button>
      )}
    </Setting>
  );
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
