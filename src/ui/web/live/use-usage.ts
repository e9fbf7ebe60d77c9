/** What the nodes measure now, found by the objects that people see. Unknown is undefined, never zero. */
import { useMemo } from 'react';
import type { UsageRow } from '#io/contract/live.ts';
import { useView } from './use-view.ts';

interface Ref {
  readonly id: string;
  readonly name: string;
}

export interface Usage {
  node(node: Ref): UsageRow | undefined;
  pool(node: Ref, pool: string): UsageRow | undefined;
  volume(volume: Ref): UsageRow | undefined;
  service(app: Ref, service: string): UsageRow | undefined;
}

const bare = (id: string): string => id.slice(id.indexOf(':') + 1);

export function useUsage(): Usage {
  const { byKey } = useView('usage');
  return useMemo(() => {
    const find = (...keys: readonly string[]): UsageRow | undefined =>
      keys.map((key) => byKey.get(key)).find((row) => row !== undefined);
    return {
      node: ({ id }) => find(id),
      pool: ({ id, name }, pool) => find(`pool:${bare(id)}/${pool}`, `pool:${id}/${pool}`, `pool:${name}/${pool}`),
      volume: ({ id }) => find(id),
      service: ({ id, name }, service) =>
        find(`service:${bare(id)}/${service}`, `service:${id}/${service}`, `service:${name}/${service}`),
    };
  }, [byKey]);
}
