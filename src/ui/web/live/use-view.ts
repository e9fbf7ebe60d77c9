/** Live rows in a component: `useView('apps')`. In the past the same rows as they were; observed figures have none. */
import { useCallback, useSyncExternalStore } from 'react';
import type { ViewHandlers } from '#ui/client/live-subscriptions.ts';
import { observedViews } from '#io/contract/live.ts';
import type { LiveView, LiveViewRows } from '#ui/client/live.ts';
import { useLive } from './clients.tsx';
import { usePast } from './past.ts';
import type { ViewState } from './view-store.ts';

const empty: ViewState<never> = {
  ready: true,
  rows: [],
  byKey: new Map<string, never>(),
  index: undefined,
  problem: undefined,
};
const pending: ViewState<never> = { ...empty, ready: false };
const never = (): (() => void) => () => undefined;

export interface UseViewOptions {
  readonly where?: Readonly<Record<string, string>>;
  readonly limit?: number;
  /** Nothing is asked while this is false. */
  readonly when?: boolean;
  /** The present, also while the person looks at the past. */
  readonly now?: boolean;
}

const isObserved = (view: string): boolean => (observedViews as readonly string[]).includes(view);

export function useView<V extends LiveView>(view: V, options: UseViewOptions = {}): ViewState<LiveViewRows[V]> {
  const { client, stores } = useLive();
  const past = usePast();
  const at = options.now ? undefined : past.at;
  const { when = true, where, limit } = options;
  const isAsked = when && !(isObserved(view) && at !== undefined) && (options.now || !past.resolving);
  const key = JSON.stringify([view, where, limit, at]);
  const asked = {
    ...(where === undefined ? {} : { where }),
    ...(limit === undefined ? {} : { limit }),
    ...(at === undefined ? {} : { at }),
  };
  const open = (handlers: ViewHandlers<LiveViewRows[V]>): (() => void) => client.view(view, asked, handlers);
  const store = isAsked ? stores.get(key, open, at !== undefined) : undefined;
  const subscribe = useCallback((listener: () => void) => (store ? store.subscribe(listener) : never()), [store]);
  return useSyncExternalStore<ViewState<LiveViewRows[V]>>(subscribe, () =>
    store ? store.get() : past.resolving ? pending : empty,
  );
}
