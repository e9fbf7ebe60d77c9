/** The two ways to the lab, for every component below: REST to ask and to act, one live connection to watch. */
import { createContext, useContext, useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import { createLiveClient, type LiveClient } from '#ui/client/live.ts';
import { browserSocket, liveUrl } from '#ui/client/live-ports.ts';
import { createRestClient, type RestClient } from '#ui/client/rest.ts';
import { onPageKey, pageKey } from './page-key.ts';
import { ViewStores } from './view-store.ts';

export const rest: RestClient = createRestClient({ baseUrl: '', pageKey });

interface Live {
  readonly client: LiveClient;
  readonly stores: ViewStores;
}

const LiveContext = createContext<Live | undefined>(undefined);

export function LiveProvider({ children }: { readonly children: ReactNode }) {
  const [live, setLive] = useState<Live>();
  const key = useSyncExternalStore(onPageKey, pageKey);
  useEffect(() => {
    // Another session, another connection: that of before ends with its own. None, and the door is about to be shown.
    if (key === undefined) return;
    const client = createLiveClient({
      url: liveUrl(location.origin),
      connect: (url) => browserSocket(url, key),
    });
    const stores = new ViewStores();
    setLive({ client, stores });
    const retry = (): void => {
      if (document.visibilityState === 'visible') client.retryNow();
    };
    addEventListener('online', retry);
    document.addEventListener('visibilitychange', retry);
    return () => {
      removeEventListener('online', retry);
      document.removeEventListener('visibilitychange', retry);
      stores.closeAll();
      client.close();
    };
  }, [key]);
  return live ? <LiveContext value={live}>{children}</LiveContext> : null;
}

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error('useLive outside of LiveProvider');
  return live;
}
