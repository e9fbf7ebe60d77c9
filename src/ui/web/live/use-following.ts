/** Whom nodes follow that are none of the consensus group, and how far they are behind: in words, by the nodes that people see. */
import { useMemo } from 'react';
import type { NodeRow } from '#projections/views/nodes.ts';
import { followingWords } from '../format/cluster.ts';
import { useView } from './use-view.ts';

/** Undefined for nodes of the group, and in the past. */
export type FollowingWords = (node: Pick<NodeRow, 'id' | 'member'>) => string | undefined;

export function useFollowing(): FollowingWords {
  const { byKey } = useView('following');
  const { byKey: nodes } = useView('nodes');
  return useMemo(
    () =>
      ({ id, member }) => {
        const row = member === null ? byKey.get(id) : undefined;
        if (!row) return undefined;
        const source = row.source === null ? undefined : (nodes.get(`node:${row.source}`)?.name ?? row.source);
        return followingWords(row, source);
      },
    [byKey, nodes],
  );
}
