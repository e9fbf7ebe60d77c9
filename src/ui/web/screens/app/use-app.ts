import { useParams } from '@tanstack/react-router';
import type { AppRow } from '#projections/views/apps.ts';
import { useView } from '../../live/use-view.ts';

/** The app that the address names; undefined while rows are on their way, null when there is none. */
export function useApp(): AppRow | null | undefined {
  const { namespace, name } = useParams({ strict: false });
  const { rows, ready } = useView('apps');
  if (!ready) return undefined;
  return rows.find((row) => row.namespace === namespace && row.name === name) ?? null;
}
