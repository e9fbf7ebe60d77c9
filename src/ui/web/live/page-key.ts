/**
 * The key that this page got when somebody signed in. The session's cookie goes to every port of the host, the apps' own
 * included; the key stays with the pages of this port, and without it the cookie opens nothing. All tabs share it.
 */
const place = 'floatlab.page-key';

/** Where storage is forbidden: good until the page is reloaded. */
let inMemory: string | undefined;
const listeners = new Set<() => void>();

export function pageKey(): string | undefined {
  try {
    return localStorage.getItem(place) ?? inMemory;
  } catch {
    return inMemory;
  }
}

/** @param key undefined forgets it */
export function keepPageKey(key: string | undefined): void {
  try {
    if (key === undefined) localStorage.removeItem(place);
    else localStorage.setItem(place, key);
    inMemory = undefined;
  } catch {
    inMemory = key;
  }
  for (const listener of listeners) listener();
}

/** Calls back when another tab has signed in or out. @returns the way out */
export function onOtherTab(changed: () => void): () => void {
  const listener = ({ key }: StorageEvent): void => {
    if (key === place || key === null) changed();
  };
  addEventListener('storage', listener);
  return () => removeEventListener('storage', listener);
}

/** Calls back when it is another one, whoever changed it. @returns the way out */
export function onPageKey(changed: () => void): () => void {
  const stop = onOtherTab(changed);
  listeners.add(changed);
  return () => {
    stop();
    listeners.delete(changed);
  };
}
