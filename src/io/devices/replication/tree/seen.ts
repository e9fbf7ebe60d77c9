/**
 * The volumes of a pool as everybody else sees them: without the datasets that are replicas, and without the one of their
 * records; snapshots with the guids by which the lab knows them, which of a copy are those of the original.
 */
import type { Call } from '../../call.ts';
import { IoError } from '../../error.ts';
import { describe } from '../../volumes/names.ts';
import type { Change, Dataset, SnapInfo, VolumePort } from '../../volumes/port.ts';
import type { TreeMeans } from './means.ts';
import { nameOfRecord, parseRecord, recordKey, written } from './record.ts';
import { recordsName } from './records.ts';
import { guidOf, readRecord } from './site.ts';

export function seen(volumes: VolumePort, means: TreeMeans): VolumePort {
  const recordOf = (of: Dataset, call: Call) => readRecord({ of, means, call });
  const isHidden = async (of: Dataset, call: Call): Promise<boolean> =>
    of.name === recordsName || (await recordOf(of, call)).role === 'replica';
  /** @throws IoError MISSING */
  const refuseHidden = async (op: string, of: Dataset, call: Call): Promise<void> => {
    if (await isHidden(of, call)) throw noVolume(op, of);
  };
  const shown = async (of: Dataset, snaps: readonly SnapInfo[], call: Call): Promise<readonly SnapInfo[]> => {
    const record = await recordOf(of, call);
    return record.copies.length === 0 ? snaps : snaps.map((snap) => ({ ...snap, guid: guidOf(record, snap.guid) }));
  };
  const shownOne = async (of: Dataset, snap: SnapInfo, call: Call): Promise<SnapInfo> =>
    (await shown(of, [snap], call))[0] ?? snap;
  const hiddenIn = async (pool: string, call: Call): Promise<ReadonlySet<string>> => {
    const hidden = new Set([recordsName]);
    for (const key of await means.records.keys(pool, call)) {
      const name = nameOfRecord(key);
      const text = name === undefined ? undefined : await means.records.read(pool, key, call);
      if (name === undefined || text === undefined) continue;
      if (parseRecord(text, `the record of ${pool}/${name}`).role === 'replica') hidden.add(name);
    }
    return hidden;
  };

  return {
    ...volumes,
    async clone(from, snapshot, into, spec, call) {
      await refuseHidden('clone', from, call);
      return volumes.clone(from, snapshot, into, spec, call);
    },
    inspect: async (of, call) => ((await isHidden(of, call)) ? undefined : volumes.inspect(of, call)),
    async mount(of, call) {
      await refuseHidden('mount', of, call);
      return volumes.mount(of, call);
    },
    async list(pool, call) {
      const names = await volumes.list(pool, call);
      const hidden = await hiddenIn(pool, call);
      return names.filter((name) => !hidden.has(name));
    },
    async changes(pool, call) {
      const all = await volumes.changes(pool, call);
      const hidden = await hiddenIn(pool, call);
      const found = new Map<string, Change>();
      for (const [name, change] of all) {
        if (hidden.has(name)) continue;
        const { since } = change;
        const record = since === undefined ? undefined : await recordOf({ pool, name }, call);
        found.set(name, record && since !== undefined ? { ...change, since: guidOf(record, since) } : change);
      }
      return found;
    },
    async snapshot(of, name, call) {
      await refuseHidden('snapshot', of, call);
      return shownOne(of, await volumes.snapshot(of, name, call), call);
    },
    async snapshotTogether(all, name, call) {
      for (const of of all) await refuseHidden('snapshotTogether', of, call);
      return volumes.snapshotTogether(all, name, call);
    },
    async snapshots(of, call) {
      await refuseHidden('snapshots', of, call);
      return shown(of, await volumes.snapshots(of, call), call);
    },
    async foreignSnapshots(of, call) {
      await refuseHidden('foreignSnapshots', of, call);
      return volumes.foreignSnapshots(of, call);
    },
    async snapshotPath(of, name, call) {
      await refuseHidden('snapshotPath', of, call);
      return volumes.snapshotPath(of, name, call);
    },
    async writtenSince(of, name, call) {
      await refuseHidden('writtenSince', of, call);
      return volumes.writtenSince(of, name, call);
    },
    removeSnapshots: async (of, names, call) =>
      (await isHidden(of, call)) ? undefined : volumes.removeSnapshots(of, names, call),
    async rollback(of, to, stash, call) {
      await refuseHidden('rollback', of, call);
      return volumes.rollback(of, to, stash, call);
    },
    release: async (of, call) => ((await isHidden(of, call)) ? undefined : volumes.release(of, call)),
    async destroy(of, how, call) {
      if (await isHidden(of, call)) return;
      await volumes.destroy(of, how, call);
      const record = await recordOf(of, call);
      if (record.copies.length > 0)
        await means.records.write(of.pool, recordKey(of.name), written({ ...record, copies: [] }), call);
    },
  };
}

const noVolume = (op: string, of: Dataset): IoError =>
  new IoError('MISSING', {
    op,
    target: describe(of),
    message: `${op} of ${describe(of)}: there is no such volume`,
    hint: 'Where there is a replica of this name, promote it first.',
  });
