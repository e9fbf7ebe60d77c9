/**
 * Replicas on zfs: OpenZFS, and zfs-fuse, which can neither resume a stream nor leave bookmarks. Where things are is in
 * `layout.ts`; what becomes of roles in `roles.ts`; streams in `streams.ts`. What a peer needs is held by zfs itself.
 */
import { asIoError } from '../../error.ts';
import { run as runCommand, type RunCommand } from '../../run.ts';
import { isDatasetName } from '../../volumes/names.ts';
import type { Dataset } from '../../volumes/port.ts';
import { zfsCommands } from '../../volumes/zfs/commands.ts';
import { isPrivate, volumeNames } from '../../volumes/zfs/layout.ts';
import { readPoolId } from '../../volumes/zfs/pools.ts';
import { checkRoot } from '../../volumes/zfs/root.ts';
import type { ZfsPool } from '../../volumes/zfs/site.ts';
import { readVolume, type Present } from '../../volumes/zfs/state.ts';
import type { Backend, Hands } from '../backend.ts';
import type { Marker } from '../marker.ts';
import { replicationOver } from '../over.ts';
import type { OverOptions } from '../turns.ts';
import { pipes as realPipes, type Pipes } from '../pipe.ts';
import type { Base, ReplicationPort } from '../port.ts';
import { refusal } from '../refusals.ts';
import { streamCommands } from './commands.ts';
import { bookmarkName, holdTag, peersProperty, readBookmark, replicaNames } from './layout.ts';
import { demote, discard, promote, removeSnapshots, setAside, settleRole, type Parts } from './roles.ts';
import { poolOf, readMarker, readParts, replicaSite, writeMarker, type Part, type ReplicaSite } from './site.ts';
import { accept, arrive, drop, resumedSource, source } from './streams.ts';

export interface ZfsReplicationOptions extends OverOptions {
  readonly pools: readonly ZfsPool[];
  readonly run?: RunCommand;
  readonly pipes?: Pipes;
}

export function zfsReplication(options: ZfsReplicationOptions): ReplicationPort {
  return replicationOver(zfsBackend(options), options);
}

export function zfsBackend({ pools, run = runCommand, pipes = realPipes }: ZfsReplicationOptions): Backend {
  for (const { root } of pools) checkRoot('zfs replication', root);
  /**
   * By turn: which pool it is, and where `find` has seen the dataset, or each step would find that out for itself. What
   * changes roles does not ask here.
   */
  const sites = new WeakMap<Hands, ReplicaSite>();
  const places = new WeakMap<ReplicaSite, string>();
  const datasetOf = async (site: ReplicaSite): Promise<string> =>
    places.get(site) ?? (await liveOf(site))?.live.dataset ?? site.at.replica;
  const at = async <T>(of: Dataset, hands: Hands, body: (site: ReplicaSite) => Promise<T>): Promise<T> => {
    try {
      const site = sites.get(hands) ?? (await replicaSite({ pools, run }, of, hands));
      sites.set(hands, site);
      return await body(site);
    } catch (error) {
      throw asIoError(error, hands.op, hands.target);
    }
  };

  return {
    formats: ['zfs'],

    async abilities(pool, { op, target, within }) {
      await readPoolId(zfsCommands(run, target, within), poolOf(pools, pool, op), op);
      const { resume, compressed, raw, bookmarks } = await streamCommands(run, target, within).tools();
      return { format: 'zfs', resume, compressed, raw, bookmarks };
    },

    async replicas(name, { op, target, within }) {
      const pool = poolOf(pools, name, op);
      const zfs = zfsCommands(run, target, within);
      await readPoolId(zfs, pool, op);
      const { holder } = replicaNames(pool.root, '');
      if (!(await zfs.get(['type'], [holder])).has(holder)) return [];
      const all = (await zfs.names(holder, 1)).map((one) => one.slice(holder.length + 1));
      return all.filter(isDatasetName).toSorted();
    },

    find: (of, hands, isReceiving) =>
      at(of, hands, async (site) => {
        const { marker, parts, live } = await settled(site, isReceiving);
        const dataset = live?.live.dataset ?? site.at.replica;
        places.set(site, dataset);
        const replica = parts.get(site.at.replica);
        const part = parts.get(dataset) ?? (live && (await readParts(site, [dataset])).get(dataset));
        const role = live ? 'volume' : replica ? 'replica' : 'none';
        const token = parts.get(site.at.fresh)?.token ?? replica?.token;
        const resume = token !== undefined && marker.incoming ? { ...marker.incoming, token } : undefined;
        return { role, format: 'zfs', marker, bases: part ? basesIn(part) : [], resume };
      }),

    // Of a volume in its place only what is pending matters.
    settle: (of, hands, isReceiving) =>
      at(of, hands, async (site) => {
        if ((await readMarker(site)).pending) await settled(site, isReceiving);
      }),
    marker: (of, hands) => at(of, hands, readMarker),
    mark: (of, marker, hands) => at(of, hands, (site) => writeMarker(site, marker)),

    hold: (of, bases, peer, hands) =>
      at(of, hands, async (site) => {
        const dataset = await datasetOf(site);
        const { bookmarks } = await site.streams.tools();
        const one = async ({ name, guid, peers }: Base): Promise<void> => {
          const all = [...peers, peer].toSorted();
          // Before the hold, so that none is there that nobody knows of. One that is known may never have been made.
          if (!peers.includes(peer)) await site.zfs.set(`${dataset}@${name}`, { [peersProperty]: all.join(',') });
          await site.streams.hold(holdTag(peer), `${dataset}@${name}`);
          if (bookmarks) await site.streams.bookmark(`${dataset}@${name}`, `${dataset}#${bookmarkName(peer, guid)}`);
        };
        await Promise.all(bases.map(one));
      }),

    release: (of, peer, except, hands) =>
      at(of, hands, async (site) => {
        const live = await liveOf(site);
        const dataset = live?.live.dataset ?? site.at.replica;
        // Of a volume that was rolled back some are elsewhere.
        const datasets = [dataset, ...(live?.lines ?? []).map((line) => line.dataset)];
        for (const part of (await readParts(site, datasets)).values()) {
          for (const { name, guid } of part.snaps) {
            const peers = part.peers.get(name) ?? [];
            if (!peers.includes(peer) || except.has(guid)) continue;
            await site.streams.release(holdTag(peer), `${part.dataset}@${name}`);
            const left = peers.filter((one) => one !== peer);
            // Nothing of it may be left: an empty one would hide what is inherited.
            if (left.length > 0) await site.zfs.set(`${part.dataset}@${name}`, { [peersProperty]: left.join(',') });
            else await site.zfs.inherit(`${part.dataset}@${name}`, peersProperty);
          }
          for (const { name } of part.bookmarks) {
            const mark = readBookmark(name);
            if (mark?.peer === peer && !except.has(mark.guid))
              await site.streams.destroyBookmark(`${part.dataset}#${name}`);
          }
        }
      }),

    source: (of, from, to, how, hands) =>
      at(of, hands, async (site) => {
        const dataset = await datasetOf(site);
        const base = from && `${dataset}${from.kind === 'bookmark' ? '#' : '@'}${from.name}`;
        return source(site, pipes, `${dataset}@${to.name}`, base, how);
      }),

    resumed: (of, token, hands) =>
      at(of, hands, async (site) => {
        const dataset = await datasetOf(site);
        const snaps = (await readParts(site, [dataset])).get(dataset)?.snaps ?? [];
        return resumedSource(site, pipes, token, (guid) => snaps.some((snap) => snap.guid === guid && snap.ours));
      }),

    arrive: (of, what, bytes, how, hands) => at(of, hands, (site) => arrive(site, pipes, what, bytes, how, hands)),
    accept: (of, what, hands) => at(of, hands, (site) => accept(site, what)),
    drop: (of, hands) => at(of, hands, (site) => drop(site)),

    promote: (of, spec, _, hands) => at(of, hands, (site) => promote(site, spec)),

    demote: (of, final, { marker }, hands) =>
      at(of, hands, async (site) => {
        const volume = await liveOf(site);
        if (!volume) return;
        if ((await readParts(site, [site.at.replica])).size > 0)
          throw refusal(site, 'EXISTS', `${site.at.replica} is in its place`, 'Rename it to another place.');
        await demote(site, volume, final, (pending) => writeMarker(site, { ...marker, pending }));
      }),

    setAside: (of, common, as, { marker }, hands) =>
      at(of, hands, (site) => setAside(site, common.guid, as, (pending) => writeMarker(site, { ...marker, pending }))),

    removeSnapshots: (of, names, hands) => at(of, hands, (site) => removeSnapshots(site, names)),
    discard: (of, hands) => at(of, hands, discard),
  };
}

interface Settled {
  readonly marker: Marker;
  readonly parts: Parts;
  readonly live: Present | undefined;
}

/** Looks at everything at once, and finishes what was interrupted: nearly always there is nothing to do. */
async function settled(site: ReplicaSite, isReceiving: boolean): Promise<Settled> {
  const { at, pool, name } = site;
  const looks = [
    readMarker(site),
    readParts(site, [at.fresh, at.replica, volumeNames(pool.root, name).top]),
    // What is wrong with it counts once all is finished.
    liveOf(site).then(
      (live) => ({ live }),
      () => undefined,
    ),
  ] as const;
  const [marker, seen, volume] = await Promise.all(looks);
  const parts = await settleRole(site, marker, isReceiving, seen);
  const live = parts === seen && volume ? volume.live : await liveOf(site);
  if (!marker.pending) return { marker, parts, live };
  const done = { ...marker, pending: null };
  await writeMarker(site, done);
  return { marker: done, parts, live };
}

/** The volume of this name, if there is one. What was adopted and is lost only does not count where it is given up. */
async function liveOf({ zfs, pool, name, op }: ReplicaSite): Promise<Present | undefined> {
  const volume = await readVolume(zfs, pool.root, name, op, op === 'release' ? 'lenient' : 'strict');
  return volume.live ? { ...volume, live: volume.live } : undefined;
}

/** Snapshots of ours, and the bookmarks of those that are gone, by age. */
function basesIn({ snaps, bookmarks, peers }: Part): readonly Base[] {
  const ours = snaps.filter(({ name, ours: isOurs, deferred }) => isOurs && !deferred && !isPrivate(name));
  const all = ours.map(({ name, guid, txg, createdAt }) => ({
    txg,
    base: { kind: 'snapshot' as const, name, guid, createdAt, peers: peers.get(name) ?? [] },
  }));
  const gone = new Map<string, { txg: number; base: Base }>();
  for (const { name, guid, txg, createdAt } of bookmarks) {
    const peer = readBookmark(name)?.peer;
    if (peer === undefined || ours.some((snap) => snap.guid === guid)) continue;
    const needing = [...(gone.get(guid)?.base.peers ?? []), peer].toSorted();
    gone.set(guid, { txg, base: { kind: 'bookmark', name, guid, createdAt, peers: needing } });
  }
  return [...all, ...gone.values()].toSorted((a, b) => a.txg - b.txg).map(({ base }) => base);
}
