/** Asking for a snapshot: its name, and the fact that asks for it. */
import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { SnapshotReason } from '#events/snapshot.ts';
import type { Registry } from '#events/registry.ts';
import type { ActorState, LabView } from '../actor.ts';
import { draft, newMetadata } from '../drafting.ts';
import { presentOf } from '../volume/lineage.ts';

/** `2026-11-21-1405-07` in UTC: sorts by time, reads as one. */
function snapshotName(at: number): string {
  const [date = '', time = ''] = new Date(at).toISOString().split('T');
  return `${date}-${time.slice(0, 2)}${time.slice(3, 5)}-${time.slice(6, 8)}`;
}

/** The first of `base`, `base-2`, `base-3` … that no snapshot of these volumes has: log time may stand still. */
export function freeName(at: number, volumes: readonly StreamId<'volume'>[], lab: LabView): string {
  const taken = new Set(
    volumes.flatMap((volume) => lab.referrers(volume, 'snapshot').map(({ context }) => context.metadata.name)),
  );
  const base = snapshotName(at);
  let name = base;
  for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
  return name;
}

/** What a request may say beside its volume and reason. */
export interface RequestMore extends Pick<Registry['snapshot.requested'], 'note' | 'change' | 'set'> {
  /** Made from the time when it is left out. */
  readonly name?: string;
}

/** @param id of the snapshot */
export function requestSnapshot(
  volume: ActorState<'volume'>,
  id: string,
  now: number,
  reason: SnapshotReason,
  lab: LabView,
  { name = freeName(now, [volume.stream], lab), ...more }: RequestMore = {},
): AnyDraft {
  const lineage = presentOf(volume.context.lineages);
  return draft(streamOf('snapshot', id), 'snapshot.requested', {
    metadata: newMetadata(id, name, volume.context.metadata.namespace),
    volume: volume.stream,
    reason,
    // The first line is not named: most volumes never have another one.
    ...(lineage === 1 ? {} : { lineage }),
    ...more,
  });
}
