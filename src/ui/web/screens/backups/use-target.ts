import { useParams } from '@tanstack/react-router';
import type { BackupTargetRow } from '#projections/views/backup-targets.ts';
import { useView } from '../../live/use-view.ts';

/** The target that the address names; undefined while rows are on their way, null when there is none. */
export function useTarget(): BackupTargetRow | null | undefined {
  const { name } = useParams({ strict: false });
  const { rows, ready } = useView('backup-targets');
  if (!ready) return undefined;
  return rows.find((row) => row.name === name) ?? null;
}
