import { useSyncExternalStore } from 'react';
import type { LiveStatus } from '#ui/client/live.ts';
import { useLive } from './clients.tsx';

/** How the live connection is; changes each second with the bookmark. */
export function useStatus(): LiveStatus {
  const { client } = useLive();
  return useSyncExternalStore(client.onStatus, client.status);
}

/** Only whether it is well: for what need not be drawn again each second. */
export function useConnection(): LiveStatus['state'] {
  const { client } = useLive();
  return useSyncExternalStore(client.onStatus, () => client.status().state);
}
