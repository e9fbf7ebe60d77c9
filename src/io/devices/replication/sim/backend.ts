/**
 * The simulated twin: replicas in the pools of `simVolumes`, as zfs (streams can be resumed, bookmarks are left) or as
 * btrfs (neither). Each step takes effect at once and whole, and takes a while around it; what a step has changed
 * outlives the daemon, as the pools do, so that a crash can be put behind any of them.
 */
import type { Clock } from '../../clock/port.ts';
import { sleep } from '../../clock/port.ts';
import { IoError } from '../../error.ts';
import type { Random } from '../../random/port.ts';
import { describe } from '../../volumes/names.ts';
import type { Dataset } from '../../volumes/port.ts';
import type { SimVolumes } from '../../volumes/sim.ts';
import { datasetPath, sizeOf, treeBytes } from '../../volumes/sim/pools.ts';
import type { SimDataset, SimPool, SimSnapshot } from '../../volumes/sim/pools.ts';
import { failure, refuseHeld, writable } from '../../volumes/sim/refusals.ts';
import { checkCompression } from '../../volumes/spec.ts';
import type { Backend, Found, Hands } from '../backend.ts';
import { noMarker } from '../marker.ts';
import { replicationOver } from '../over.ts';
import type { OverOptions } from '../turns.ts';
import type { Base, ReplicationPort } from '../port.ts';
import { refusal } from '../refusals.ts';
import { arriveSim, readToken, sendSim, tokenOf } from './streams.ts';
import { besides, type Beside, type Bookmark } from './state.ts';

export interface SimReplicationOptions extends OverOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly volumes: Pick<SimVolumes, 'inside' | 'usedBy'>;
  /** Milliseconds a step takes; by default 1 to 5. */
  readonly latencyMs?: () => number;
}

export function simReplication(options: SimReplicationOptions): ReplicationPort {
  return replicationOver(simBackend(options), options);
}

interface Place {
  readonly pool: SimPool;
  readonly beside: Beside;
}

export function simBackend({ clock, random, volumes, latencyMs }: SimReplicationOptions): Backend {
  const pause = async ({ within }: Hands): Promise<void> => {
    await sleep(clock, Math.min(latencyMs?.() ?? 1 + random.next() * 4, within.timeoutMs), within.signal);
    within.check();
  };
  const place = (of: Pick<Dataset, 'pool'>, { op }: Hands): Place => {
    const pool = volumes.inside.get(of.pool);
    if (!pool || pool.state === 'unavailable') throw failure('POOL_MISSING', op, of.pool, 'it is not there');
    if (pool.driver === 'dir') throw failure('UNSUPPORTED', op, of.pool, 'plain folders have no streams of their own');
    return { pool, beside: besides(pool) };
  };
  const replicaOf = (of: Dataset, hands: Hands): SimDataset => {
    const dataset = place(of, hands).pool.replicas.get(of.name);
    if (!dataset) throw refusal(hands, 'MISSING', 'there is no replica');
    return dataset;
  };
  const datasetOf = (of: Dataset, hands: Hands): SimDataset => {
    const { pool } = place(of, hands);
    return pool.datasets.get(of.name) ?? replicaOf(of, hands);
  };
  const snapshotOf = (dataset: SimDataset, guid: string, hands: Hands): SimSnapshot => {
    const found = dataset.snapshots.find(({ info }) => info.guid === guid);
    if (!found) throw refusal(hands, 'MISSING', `there is no snapshot ${guid}`);
    return found;
  };
  const digits = (count: number) =>
    Array.from({ length: count }, () => Math.floor(random.next() * 16).toString(16)).join('');
  const guid = ({ driver }: SimPool) =>
    driver === 'zfs' ? BigInt(`0x1${digits(15)}`).toString() : [8, 4, 4, 4, 12].map(digits).join('-');

  // All pools of one port are of one kind, as they are of the real ones.
  const format = [...volumes.inside.values()].some(({ driver }) => driver === 'zfs') ? 'zfs' : 'btrfs';

  const backend: Backend = {
    formats: [format],

    async abilities(name, hands) {
      await pause(hands);
      const { pool } = place({ pool: name }, hands);
      const isZfs = pool.driver === 'zfs';
      return { format, resume: isZfs, compressed: true, raw: isZfs, bookmarks: isZfs };
    },

    async replicas(name, hands) {
      await pause(hands);
      return [...place({ pool: name }, hands).pool.replicas.keys()].toSorted();
    },

    async find(of, hands, isReceiving) {
      await pause(hands);
      const { pool, beside } = place(of, hands);
      await settle(of, hands, isReceiving);
      const marker = beside.markers.get(of.name) ?? noMarker;
      const volume = pool.datasets.get(of.name);
      const dataset = volume ?? pool.replicas.get(of.name);
      const role = volume ? 'volume' : dataset ? 'replica' : 'none';
      const partial = beside.partials.get(of.name);
      const isWanted = partial && marker.incoming?.to.guid === partial.wanted.to.guid;
      const resume = isWanted && pool.driver === 'zfs' ? { ...partial.wanted, token: tokenOf(partial) } : undefined;
      return {
        role,
        format,
        marker,
        bases: dataset ? basesIn(dataset, beside.bookmarks.get(of.name) ?? []) : [],
        resume,
      } satisfies Found;
    },

    async marker(of, hands) {
      await pause(hands);
      return place(of, hands).beside.markers.get(of.name) ?? noMarker;
    },

    async mark(of, marker, hands) {
      await pause(hands);
      const { pool, beside } = place(of, hands);
      writable(hands.op, of, pool, 0);
      beside.markers.set(of.name, marker);
    },

    async hold(of, bases, peer, hands) {
      for (const { guid } of bases) {
        await pause(hands);
        const { pool, beside } = place(of, hands);
        const snapshot = snapshotOf(datasetOf(of, hands), guid, hands);
        snapshot.peers = new Set([...(snapshot.peers ?? []), peer]);
        if (pool.driver !== 'zfs') continue;
        const marks = beside.bookmarks.get(of.name) ?? [];
        if (!marks.some((one) => one.peer === peer && one.guid === guid))
          beside.bookmarks.set(of.name, [...marks, { ...snapshot.info, files: snapshot.files, peer }]);
      }
    },

    async release(of, peer, except, hands) {
      await pause(hands);
      const { pool, beside } = place(of, hands);
      const dataset = pool.datasets.get(of.name) ?? pool.replicas.get(of.name);
      for (const snapshot of dataset?.snapshots ?? [])
        if (!except.has(snapshot.info.guid))
          snapshot.peers = new Set([...(snapshot.peers ?? [])].filter((one) => one !== peer));
      const marks = beside.bookmarks.get(of.name) ?? [];
      beside.bookmarks.set(
        of.name,
        marks.filter((one) => one.peer !== peer || except.has(one.guid)),
      );
    },

    async source(of, from, to, _, hands) {
      await pause(hands);
      const { beside } = place(of, hands);
      const dataset = datasetOf(of, hands);
      const marked = (beside.bookmarks.get(of.name) ?? []).find((one) => one.guid === from?.guid);
      const base = from && (dataset.snapshots.find(({ info }) => info.guid === from.guid) ?? marked);
      if (from && !base) throw refusal(hands, 'MISSING', `there is no ${from.name}`);
      return sendSim(
        { guid: to.guid, ...(from ? { base: from.guid } : {}), skip: 0 },
        base?.files,
        snapshotOf(dataset, to.guid, hands).files,
        { clock, target: hands.target },
      );
    },

    async resumed(of, token, hands) {
      await pause(hands);
      const asked = readToken(token);
      const { pool } = place(of, hands);
      const dataset = datasetOf(of, hands);
      const find = (wanted: string | undefined) => dataset.snapshots.find(({ info }) => info.guid === wanted);
      const [base, to] = [find(asked?.base), find(asked?.guid)];
      if (!asked || pool.driver !== 'zfs' || !to || (asked.base !== undefined && !base))
        throw refusal(hands, 'TOKEN_DEAD', 'a snapshot that the interrupted stream began with is gone', 'Begin anew.');
      return sendSim(asked, base?.files, to.files, { clock, target: hands.target });
    },

    async arrive(of, what, bytes, how, hands) {
      const { pool, beside } = place(of, hands);
      await arriveSim({ pool, beside, of, what, bytes, how, hands, clock });
    },

    async accept(of, what, hands) {
      await pause(hands);
      await accept(of, what.to.guid, hands);
      await hands.step('accepted');
      return snapshotOf(replicaOf(of, hands), what.to.guid, hands).info;
    },

    async drop(of, hands) {
      await pause(hands);
      place(of, hands).beside.partials.delete(of.name);
    },

    async promote(of, spec, _, hands) {
      const { pool } = place(of, hands);
      const replica = replicaOf(of, hands);
      checkCompression('promote', of, spec, pool.can.compression);
      await pause(hands);
      await hands.step('made');
      writable('promote', of, pool, pool.driver === 'btrfs' ? treeBytes : 0);
      const { tree } = replica;
      const { owner = tree.owner, mode = tree.mode, sizeBytes } = spec;
      pool.replicas.delete(of.name);
      const path = datasetPath(pool, of.name);
      pool.datasets.set(of.name, { ...replica, sizeBytes, tree: { ...tree, path, owner, mode, isMounted: true } });
      await hands.step('moved');
      await pause(hands);
    },

    async demote(of, final, { marker }, hands) {
      const { pool, beside } = place(of, hands);
      const volume = pool.datasets.get(of.name);
      if (!volume) return;
      if (volume.tree.native !== undefined) throw refusal(hands, 'INVALID', 'it was there before FloatLab');
      const user = volumes.usedBy?.(volume.tree.path);
      if (user !== undefined) throw refusal(hands, 'BUSY', `it is in use by ${user}`, 'Stop the app that uses it.');
      writable('demote', of, pool, treeBytes);
      beside.markers.set(of.name, { ...marker, pending: { do: 'demote', final } });
      await hands.step('noted');
      await pause(hands);
      pool.datasets.delete(of.name);
      volume.tree.isMounted = false;
      pool.replicas.set(of.name, { ...volume, sizeBytes: undefined });
      await hands.step('moved');
      await settle(of, hands);
      await hands.step('kept');
    },

    async setAside(of, common, as, { marker }, hands) {
      const { pool, beside } = place(of, hands);
      if (pool.datasets.has(as) || pool.replicas.has(as))
        throw refusal(hands, 'EXISTS', `there is already a dataset ${as}`, 'Give another name.');
      writable('setAside', of, pool, treeBytes);
      beside.markers.set(of.name, { ...marker, pending: { do: 'set-aside', common: common.guid, as } });
      await hands.step('noted');
      await pause(hands);
      await settle(of, hands);
      await hands.step('shown');
    },

    async removeSnapshots(of, names, hands) {
      await pause(hands);
      const replica = replicaOf(of, hands);
      refuseHeld(hands.op, of, replica, names);
      replica.snapshots = replica.snapshots.filter(({ info }) => !names.includes(info.name));
    },

    async discard(of, hands) {
      await pause(hands);
      const { pool, beside } = place(of, hands);
      const replica = pool.replicas.get(of.name);
      if (replica) refuseHeld(hands.op, of, replica);
      pool.replicas.delete(of.name);
      beside.partials.delete(of.name);
      beside.bookmarks.delete(of.name);
    },
  };
  return backend;

  /** Finishes what was interrupted. */
  async function settle(of: Dataset, hands: Hands, isReceiving = false): Promise<void> {
    const { pool, beside } = place(of, hands);
    const marker = beside.markers.get(of.name);
    if (!marker) return;
    const replica = pool.replicas.get(of.name);
    if (marker.pending?.do === 'demote' && replica) {
      const { final } = marker.pending;
      if (!replica.snapshots.some(({ info }) => info.name === final)) {
        const info = { name: final, guid: guid(pool), createdAt: clock.now() };
        replica.snapshots.push({ info, files: new Map(replica.tree.files), isHeld: false });
      }
    }
    if (marker.pending?.do === 'set-aside' && replica) aside(pool, replica, marker.pending.common, marker.pending.as);
    if (marker.pending) beside.markers.set(of.name, { ...marker, pending: null });
    const partial = beside.partials.get(of.name);
    if (isReceiving) return;
    if (partial?.isWhole && marker.incoming?.to.guid === partial.wanted.to.guid)
      await accept(of, partial.wanted.to.guid, hands);
    else if (partial?.isWhole) beside.partials.delete(of.name);
  }

  function aside(pool: SimPool, replica: SimDataset, common: string, as: string): void {
    const at = replica.snapshots.findIndex(({ info }) => info.guid === common);
    const [base, newer] = [replica.snapshots[at], replica.snapshots.slice(at + 1)];
    const newest = newer.at(-1);
    if (!base || !newest) return;
    const path = datasetPath(pool, as);
    const tree = { ...replica.tree, path, files: new Map(newest.files), isMounted: true };
    pool.datasets.set(as, { name: as, tree, sizeBytes: undefined, snapshots: newer, lastRollback: undefined });
    for (const one of newer) one.peers = new Set();
    replica.snapshots = replica.snapshots.slice(0, at + 1);
    replica.tree.files = new Map(base.files);
  }

  async function accept(of: Dataset, wanted: string, hands: Hands): Promise<void> {
    const { pool, beside } = place(of, hands);
    const partial = beside.partials.get(of.name);
    if (!partial?.isWhole || partial.wanted.to.guid !== wanted)
      throw new IoError('TRUNCATED', {
        op: 'receive',
        target: describe(of),
        message: `what came for ${describe(of)} is not whole`,
        hint: 'Send it again.',
      });
    const known = pool.replicas.get(of.name);
    const files = new Map(known?.tree.files);
    for (const { file, text } of partial.changes) {
      if (text === null) files.delete(file);
      else files.set(file, text);
    }
    writable(hands.op, of, pool, treeBytes + (known ? 0 : sizeOf(files)));
    const info = { name: partial.wanted.to.name, guid: wanted, createdAt: clock.now() };
    const snapshot: SimSnapshot = { info, files, isHeld: false };
    if (known) {
      known.tree.files = new Map(files);
      known.snapshots.push(snapshot);
    } else {
      const tree = {
        ...{ path: `${datasetPath(pool, of.name)}.replica`, native: undefined, family: digits(16) },
        ...{ recordSizeBytes: pool.can.recordSize ? 131_072 : undefined },
        ...{ compression: pool.can.compression.length > 0 ? ('off' as const) : undefined },
        ...{ files: new Map(files), owner: { uid: 0, gid: 0 }, mode: 0o755, isMounted: false },
      };
      pool.replicas.set(of.name, {
        name: of.name,
        tree,
        sizeBytes: undefined,
        snapshots: [snapshot],
        lastRollback: undefined,
      });
    }
    beside.partials.delete(of.name);
  }
}

/** Snapshots, and the bookmarks of those that are gone, by age. */
function basesIn({ snapshots }: SimDataset, marks: readonly Bookmark[]): readonly Base[] {
  const all: Base[] = snapshots.map(({ info: { name, guid, createdAt }, peers }) => ({
    ...{ kind: 'snapshot' as const, name, guid, createdAt },
    peers: [...(peers ?? [])].toSorted(),
  }));
  for (const { name, guid, createdAt, peer } of marks) {
    if (all.some((base) => base.guid === guid)) continue;
    const at = all.findIndex((base) => base.createdAt > createdAt);
    all.splice(at < 0 ? all.length : at, 0, { kind: 'bookmark', name, guid, createdAt, peers: [peer] });
  }
  return all;
}
