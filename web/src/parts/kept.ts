/*
 * What the browser keeps of texts: of this tab, or of this device. Where it keeps nothing (a person has blocked it, or no room is left),
 * they hold as long as the page.
 */

export interface Kept {
  readonly read: (key: string) => string | undefined;
  readonly write: (key: string, text: string) => void;
  readonly remove: (key: string) => void;
}

/** @param storage the getter itself throws where storage is blocked */
function keptIn(storage: () => Storage): Kept {
  const inPage = new Map<string, string>();
  return {
    read(key) {
      try {
        return inPage.get(key) ?? storage().getItem(key) ?? undefined;
      } catch {
        return inPage.get(key);
      }
    },
    write(key, text) {
      try {
        storage().setItem(key, text);
        inPage.delete(key);
      } catch {
        inPage.set(key, text);
      }
    },
    remove(key) {
      inPage.delete(key);
      try {
        storage().removeItem(key);
      } catch {
        // Nothing was kept.
      }
    },
  };
}

export const ofTab = keptIn(() => sessionStorage);
export const ofDevice = keptIn(() => localStorage);
