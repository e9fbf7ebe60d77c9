/**
 * A pool with streams of its own that takes streams of files as well: one port, one lock and one epoch for each dataset,
 * whichever way it is kept. So nobody seals it in one format and receives it in the other.
 *
 *     the record of files says: a replica, or came by files ──▶ file by file
 *     everything else, also what is not there               ──▶ by the file system
 *
 * Each has a memory of its own (a record, a marker). What counts is the one by which a dataset is kept; where nothing is
 * kept, whatever knows of the higher epoch. A volume that the file system keeps is sent in either way.
 */
import type { Dataset, VolumePort } from '../volumes/port.ts';
import { withReplication } from './attached.ts';
import type { Backend, Found, Hands } from './backend.ts';
import type { Marker } from './marker.ts';
import { compareEpochs } from './names.ts';
import { replicationOver } from './over.ts';
import type { OverOptions } from './turns.ts';
import type { ReplicationPort } from './port.ts';
import { refusal } from './refusals.ts';
import { treeBackend, treeReplication, type TreeBackend } from './tree/backend.ts';
import { realMeans, type TreeMeans } from './tree/means.ts';
import { seen } from './tree/seen.ts';

/**
 * The volumes of a pool as a node has them: beside replicas, which it takes from any other pool.
 * @param native where the file system has streams of its own
 */
export const replicated = (volumes: VolumePort, native?: Backend): VolumePort =>
  withReplication(
    volumes,
    native ? replicationWithTrees(native, realMeans(volumes), {}) : treeReplication({ volumes }),
  );

export function replicationWithTrees(native: Backend, means: TreeMeans, options: OverOptions): ReplicationPort {
  const port = replicationOver(eitherWay(native, treeBackend(means)), options);
  return { ...port, guard: (volumes) => port.guard(seen(volumes, means)) };
}

function eitherWay(native: Backend, tree: TreeBackend): Backend {
  const keeperOf = async (of: Dataset, hands: Hands): Promise<Backend> =>
    (await tree.keeps(of, hands)) ? tree : native;
  /** @param marker of what the file system keeps: it may have been kept file by file before */
  const newer = async (of: Dataset, marker: Marker, hands: Hands): Promise<Marker> => {
    const { epoch, lineage } = await tree.marker(of, hands);
    if (compareEpochs(epoch, marker.epoch) <= 0) return marker;
    return { ...marker, epoch, lineage: lineage ?? marker.lineage };
  };

  return {
    formats: [...native.formats, ...tree.formats],

    abilities: (pool, hands, format) => (format === 'tree' ? tree : native).abilities(pool, hands),

    async replicas(pool, hands) {
      const all = [...(await native.replicas(pool, hands)), ...(await tree.replicas(pool, hands))];
      return [...new Set(all)].toSorted();
    },

    async find(of, hands, isReceiving) {
      if (await tree.keeps(of, hands)) {
        const found = await tree.find(of, hands, isReceiving);
        if (found.role !== 'none') return found;
      }
      const found = await native.find(of, hands, isReceiving);
      return { ...found, marker: await newer(of, found.marker, hands) };
    },

    async settle(of, hands, isReceiving) {
      if (await tree.keeps(of, hands)) await tree.find(of, hands, isReceiving);
      await (native.settle ?? native.find)(of, hands, isReceiving);
    },

    async marker(of, hands) {
      if (await tree.keeps(of, hands)) return tree.marker(of, hands);
      return newer(of, await native.marker(of, hands), hands);
    },

    async mark(of, marker, hands) {
      const isKept = await tree.keeps(of, hands);
      const format = marker.incoming?.format;
      const isFile = format === undefined ? isKept : format === 'tree';
      // The first of its streams says how it is kept from now on. What is left of another attempt goes.
      if (isFile && !isKept) await native.drop(of, hands);
      if (!isFile && isKept) await tree.leave(of, hands);
      await (isFile ? tree : native).mark(of, marker, hands);
    },

    hold: async (of, bases, peer, hands) => (await keeperOf(of, hands)).hold(of, bases, peer, hands),
    /** Of what is kept file by file by now, the file system may still hold something. */
    async release(of, peer, except, hands) {
      if (await tree.keeps(of, hands)) await tree.release(of, peer, except, hands);
      await native.release(of, peer, except, hands);
    },

    source: (of, from, to, how, hands) => (how.format === 'tree' ? tree : native).source(of, from, to, how, hands),
    resumed: async (of, token, hands) => (await keeperOf(of, hands)).resumed(of, token, hands),

    arrive: async (of, what, bytes, how, hands) => (await keeperOf(of, hands)).arrive(of, what, bytes, how, hands),
    accept: async (of, what, hands) => (await keeperOf(of, hands)).accept(of, what, hands),
    drop: async (of, hands) => (await keeperOf(of, hands)).drop(of, hands),
    async keepWritten(of, hands) {
      const keeper = await keeperOf(of, hands);
      await (keeper.keepWritten ?? keeper.drop)(of, hands);
    },

    promote: async (of, spec, found, hands) => keeper(found).promote(of, spec, found, hands),

    async demote(of, final, found, hands) {
      if (found.format !== 'tree' || (await tree.keeps(of, hands))) {
        await keeper(found).demote(of, final, found, hands);
        return;
      }
      const holds = found.bases.flatMap(({ kind, guid, peers }) =>
        kind === 'snapshot' ? peers.map((peer) => ({ guid, peer })) : [],
      );
      await tree.demote(of, final, { ...found, marker: { ...found.marker, holds } }, hands);
      // What its peers need stands in the record by now.
      for (const peer of new Set(found.bases.flatMap(({ peers }) => peers)))
        await native.release(of, peer, new Set(), hands);
    },

    async setAside(of, common, as, found, hands) {
      const other = found.format === 'tree' && (await native.find({ pool: of.pool, name: as }, hands, false));
      if (other && other.role === 'replica')
        throw refusal(hands, 'EXISTS', `there is already a dataset ${as}`, 'Give another name.');
      await keeper(found).setAside(of, common, as, found, hands);
    },

    removeSnapshots: async (of, names, hands) => (await keeperOf(of, hands)).removeSnapshots(of, names, hands),
    discard: async (of, hands) => (await keeperOf(of, hands)).discard(of, hands),
  };

  function keeper({ format }: Pick<Found, 'format'>): Backend {
    return format === 'tree' ? tree : native;
  }
}
