import { useMemo } from 'react';
import { History } from '../../components/history.tsx';
import { useVolume } from './use-volume.ts';

export function VolumeHistory() {
  const id = useVolume()?.id;
  const streams = useMemo(() => (id === undefined ? [] : [id]), [id]);
  return streams.length === 0 ? null : <History streams={streams} />;
}
