import { soleTab } from '../../src/tabs.js';
import type { Tabs } from '../../src/seams.js';

/** Tabs of one browser: their locks exclude each other, and each hears the others a moment later. */
export function sharedTabs(): () => Tabs {
  const locks = soleTab();
  const ears = new Set<{ owner: object; listener: (message: unknown) => void }>();
  return () => {
    const owner = {};
    return {
      lock: (...args) => locks.lock(...args),
      tell: (message) => {
        const text = structuredClone(message);
        setTimeout(() => {
          for (const ear of Array.from(ears)) if (ear.owner !== owner) ear.listener(text);
        }, 1);
      },
      hear: (listener) => {
        const ear = { owner, listener };
        ears.add(ear);
        return () => void ears.delete(ear);
      },
    };
  };
}
