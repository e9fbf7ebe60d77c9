/** The nodes as a group, asked for again and again: no view has it, because it is how things are here and now. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { ClusterStatus } from '#io/contract/cluster.ts';
import { rest } from './clients.tsx';
import { usePast } from './past.ts';
import { useConnection } from './use-status.ts';

const key = ['cluster-status'] as const;
const everyMs = 5000;
/** While something is wrong with it people wait for the moment when it is over. */
const oftenMs = 1000;

const query = {
  queryKey: key,
  queryFn: ({ signal }: { readonly signal: AbortSignal }) => rest.clusterStatus({ signal }),
  retry: false,
} as const;

/** Asks; for the one place that is always there. */
export function useClusterPolling(): ClusterStatus | undefined {
  const queries = useQueryClient();
  const connection = useConnection();
  useEffect(() => {
    if (connection === 'open' || connection === 'stale') void queries.invalidateQueries({ queryKey: key });
  }, [connection, queries]);
  const { data } = useQuery({ ...query, refetchInterval: connection === 'stale' ? oftenMs : everyMs });
  return data;
}

/** What was last heard; undefined before the first answer. */
export const useCluster = (): ClusterStatus | undefined => useQuery({ ...query, enabled: false }).data;

/** Whether it is known that nobody leads: nothing can be changed, and what is shown may be old. */
export function useIsLeaderless(): boolean {
  const status = useCluster();
  return status !== undefined && status.leader === undefined && status.simulated === undefined;
}

/** Whether what is shown of now is so now: otherwise it is what was known last. */
export function useIsCurrent(): boolean {
  const isLeaderless = useIsLeaderless();
  const connection = useConnection();
  const { isPast } = usePast();
  return isPast || (connection === 'open' && !isLeaderless);
}
