/** What the nodes show of volumes and pools, as the leader's policies look at it. What has no figure is not told. */
import { streamOf, type StreamId } from '#events/envelope.ts';
import type { UsageRow } from '#io/contract/live.ts';
import type { Leader } from './leader.ts';

/** @param key of a row of `usage`: `volume:…`, `pool:<node>/<pool>`, or of something without a limit */
export function noteFill(leader: Leader, key: string, { usedBytes, sizeBytes }: Partial<UsageRow>): void {
  if (usedBytes === undefined || !Number.isSafeInteger(usedBytes)) return;
  const [kind, rest] = [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1)];
  if (kind === 'volume') {
    leader.note('fill', key as StreamId, sizeBytes === undefined ? { usedBytes } : { usedBytes, sizeBytes });
  }
  if (kind === 'pool' && sizeBytes !== undefined) {
    const slash = rest.indexOf('/');
    const node = streamOf('node', rest.slice(0, slash));
    leader.note('pools', node, {
      ...leader.get('pools', node)?.value,
      [rest.slice(slash + 1)]: { usedBytes, sizeBytes },
    });
  }
}
