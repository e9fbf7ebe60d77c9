import { useMemo } from 'react';
import { History } from '../../components/history.tsx';
import { useTarget } from './use-target.ts';

export function TargetHistory() {
  const id = useTarget()?.id;
  const streams = useMemo(() => (id === undefined ? [] : [id]), [id]);
  return streams.length === 0 ? null : <History streams={streams} />;
}
