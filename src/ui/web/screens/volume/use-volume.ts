import { useParams } from '@tanstack/react-router';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { useView } from '../../live/use-view.ts';

/** The volume that the address names; undefined while rows are on their way, null when there is none. */
export function useVolume(): VolumeRow | null | undefined {
  const { namespace, name } = useParams({ strict: false });
  const { rows, ready } = useView('volumes');
  if (!ready) return undefined;
  return rows.find((row) => row.namespace === namespace && row.name === name) ?? null;
}
