import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const RETRY_AFTER_MS = 3_000;

/**
 * A component whose chunk is loaded when it is first shown. Where that fails (offline, or a newer version was installed), it says so and
 * offers the way out; it tries again by itself when the network returns.
 *
 * @param Failed says so for what is a part of a page; by default it is the page
 */
export function lazily<P extends object>(
  load: () => Promise<ComponentType<P>>,
  Failed: ComponentType = PageFailed,
): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return function Lazy(props: P) {
    const [state, setState] = useState<{ failed: boolean } | undefined>(undefined);
    useEffect(() => {
      if (loaded) return undefined;
      let timer: ReturnType<typeof setTimeout> | undefined;
      let isGone = false;
      const attempt = (): void => {
        load().then(
          (component) => {
            loaded = component;
            if (!isGone) setState({ failed: false });
          },
          () => {
            if (isGone) return;
            setState({ failed: true });
            timer = setTimeout(attempt, RETRY_AFTER_MS);
          },
        );
      };
      attempt();
      return () => {
        isGone = true;
        clearTimeout(timer);
      };
    }, []);
    const Component = loaded;
    if (Component) return <Component {...props} />;
    return state?.failed ? <Failed /> : null;
  };
}

const PageFailed = () => (
  <main class="still">
    <div role="alert">
      <h1>This page could not be loaded.</h1>
      <p>It is tried again by itself. A new version may have been installed meanwhile.</p>
      <p class="do">
        <button type="button" class="btn primary big" onClick={() => location.reload()}>
          Reload
        </button>
      </p>
    </div>
  </main>
);
