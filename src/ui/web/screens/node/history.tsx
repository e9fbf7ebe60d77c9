import { useMemo } from 'react';
import { History } from '../../components/history.tsx';
import { useNode } from './use-node.ts';

export function NodeHistory() {
  const id = useNode()?.id;
  const streams = useMemo(() => (id === undefined ? [] : [id]), [id]);
  return streams.length === 0 ? null : <History streams={streams} />;
}
