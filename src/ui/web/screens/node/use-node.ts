import { useParams } from '@tanstack/react-router';
import type { NodeRow } from '#projections/views/nodes.ts';
import { useView } from '../../live/use-view.ts';

/** The node that the address names; undefined while rows are on their way, null when there is none. */
export function useNode(): NodeRow | null | undefined {
  const { name } = useParams({ strict: false });
  const { rows, ready } = useView('nodes');
  if (!ready) return undefined;
  return rows.find((row) => row.name === name) ?? null;
}
