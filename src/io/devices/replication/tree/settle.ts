/**
 * What an interrupted call has left is finished, or taken back: before every call, and nearly always there is nothing
 * to do. Files that a stream has left half changed stay, until the replica is used again (`drop`).
 */
import type { SnapInfo } from '../../volumes/port.ts';
import type { ReplicaRecord } from './record.ts';
import { finishAside, finishDemotion } from './roles.ts';
import { endWork, readRecord, readWork, snapshotsOf, writeRecord, type Site } from './site.ts';
import { accept } from './streams.ts';

export interface Settled {
  readonly record: ReplicaRecord;
  /** Without those that are none of anybody's business; undefined when there is no dataset. */
  readonly snaps: readonly SnapInfo[] | undefined;
}

/** @param isReceiving a stream is on its way: its files are left to whoever receives it */
export async function settle(site: Site, isReceiving: boolean): Promise<Settled> {
  const record = await readRecord(site);
  const { marker, role } = record;
  const { pending } = marker;
  if (pending) {
    if (pending.do === 'demote' && role === 'replica') await finishDemotion(site, pending.final);
    if (pending.do === 'set-aside') await finishAside(site, pending.common, pending.as);
    await writeRecord(site, { ...(await readRecord(site)), marker: { ...marker, pending: null } });
    return settle(site, isReceiving);
  }
  const work = await readWork(site);
  const all = await snapshotsOf(site);
  const snaps = work ? all?.filter(({ name }) => name !== work.stash) : all;
  if (role === 'volume' || isReceiving) return { record, snaps };

  if (work?.isWhole && marker.incoming?.to.guid === work.guid) {
    await accept(site, marker.incoming);
    return { record: await readRecord(site), snaps: await snapshotsOf(site) };
  }
  if (snaps !== undefined && snaps.length > 0) return { record, snaps };
  // Somebody took away what had come. Whatever is left of it, it is not ours to remove.
  if (record.copies.length > 0) return { record, snaps };
  // Nothing that anybody could use has ever come: the name is free again.
  if (snaps !== undefined) await site.means.volumes.destroy(site.of, { scrub: false }, site.call);
  await endWork(site);
  const free: ReplicaRecord = { marker: { ...marker, incoming: null }, role: 'volume', copies: [] };
  await writeRecord(site, free);
  return { record: free, snaps: undefined };
}
