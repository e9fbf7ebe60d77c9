/**
 * Replicas on btrfs. Where things are is in `layout.ts`; what becomes of roles in `roles.ts`; streams in `streams.ts`.
 * Nothing can be resumed here, and there are no bookmarks and no holds: who needs what is in the marker, and the guard of
 * the port keeps to it.
 */
import { readdir } from 'node:fs/promises';
import { replaceFile, textIfThere } from '../../../stores/files.ts';
import { unlessMissing } from '../../errno.ts';
import { run as runCommand, type RunCommand } from '../../run.ts';
import { end } from '../../volumes/btrfs/ending.ts';
import { stepError } from '../../volumes/btrfs/errors.ts';
import { hasFolder } from '../../volumes/btrfs/layout.ts';
import { openPool, type BtrfsPool } from '../../volumes/btrfs/pool.ts';
import { findSnapshots, removeSnapshots } from '../../volumes/btrfs/snapshots.ts';
import { keyedLock } from '../../volumes/lock.ts';
import { isDatasetName } from '../../volumes/names.ts';
import type { Site } from '../../volumes/btrfs/site.ts';
import type { Backend, Found, Hands } from '../backend.ts';
import type { Marker } from '../marker.ts';
import { noMarker, parseMarker, withHolds, writtenMarker } from '../marker.ts';
import { replicationOver } from '../over.ts';
import type { OverOptions } from '../turns.ts';
import { pipes as realPipes, type Pipes } from '../pipe.ts';
import type { Base, ReplicationPort } from '../port.ts';
import { refusal } from '../refusals.ts';
import { replicasFolder } from './layout.ts';
import { demote, promote, setAside, settleRole } from './roles.ts';
import { ensureFolders, replicaSite, volumeSite, type BtrfsMeans, type ReplicaSite } from './site.ts';
import { accept, arrive, dropIncoming, source } from './streams.ts';

export interface BtrfsReplicationOptions extends OverOptions {
  readonly pools: readonly BtrfsPool[];
  readonly run?: RunCommand;
  readonly pipes?: Pipes;
}

export function btrfsReplication(options: BtrfsReplicationOptions): ReplicationPort {
  return replicationOver(btrfsBackend(options), options);
}

export function btrfsBackend({ pools, run = runCommand, pipes = realPipes }: BtrfsReplicationOptions): Backend {
  const means: BtrfsMeans = { pools, run, oneAtATime: keyedLock() };
  const unlisted: Unlisted = new Map();

  /** Whatever the file system says, as an IoError. */
  const at = async <T>(
    of: { readonly pool: string; readonly name: string },
    hands: Hands,
    body: (site: ReplicaSite) => Promise<T>,
  ): Promise<T> => {
    try {
      return await body(await replicaSite(means, of, hands));
    } catch (error) {
      throw stepError(error, hands.op, hands.target);
    }
  };

  return {
    formats: ['btrfs'],

    async abilities(pool, { op }) {
      await openPool(pools, pool, op);
      // Compressed data is known since version 2 of the streams, which the tools of 6.0 speak.
      return { format: 'btrfs', resume: false, compressed: true, raw: false, bookmarks: false };
    },

    async replicas(name, { op }) {
      const pool = await openPool(pools, name, op);
      const folder = replicasFolder(pool.path);
      const found: string[] = [];
      for (const one of await unlessMissing(readdir(folder), []))
        if (isDatasetName(one) && (await hasFolder(`${folder}/${one}`))) found.push(one);
      return found.toSorted();
    },

    find: (of, hands, isReceiving) =>
      at(of, hands, async (site) => {
        const { volume, marker } = await settled(site, isReceiving);
        return found(volume ? 'volume' : 'replica', volume ?? site, marker, unlisted);
      }),

    settle: (of, hands, isReceiving) => at(of, hands, async (site) => void (await settled(site, isReceiving))),

    marker: (of, hands) => at(of, hands, readMarker),
    mark: (of, marker, hands) => at(of, hands, (site) => writeMarker(site, marker)),

    hold: (of, bases, peer, hands) =>
      at(of, hands, async (site) => {
        const marker = await readMarker(site);
        const holds = withHolds(marker, bases, peer);
        if (holds !== marker.holds) await writeMarker(site, { ...marker, holds });
      }),

    release: (of, peer, except, hands) =>
      at(of, hands, async (site) => {
        const marker = await readMarker(site);
        const holds = marker.holds.filter((hold) => hold.peer !== peer || except.has(hold.guid));
        if (holds.length < marker.holds.length) await writeMarker(site, { ...marker, holds });
      }),

    source: (of, from, to, how, hands) =>
      at(of, hands, async (site) => {
        const within = (await volumeSite(site)) ?? site;
        return source(pipes, hands, within.paths.snapshot(to.name), from && within.paths.snapshot(from.name), how);
      }),

    resumed: (_, __, hands) =>
      Promise.reject(refusal(hands, 'TOKEN_DEAD', 'btrfs cannot resume a stream', 'Begin anew.')),

    arrive: (of, what, bytes, how, hands) => at(of, hands, (site) => arrive(site, pipes, what, bytes, how, hands)),
    accept: (of, what, hands) => at(of, hands, (site) => accept(site, what)),
    drop: (of, hands) => at(of, hands, dropIncoming),

    promote: (of, spec, _, hands) => at(of, hands, (site) => promote(site, spec)),

    demote: (of, final, { marker }, hands) =>
      at(of, hands, async (site) => {
        const volume = await volumeSite(site);
        if (volume) await demote(site, volume, final, (pending) => writeMarker(site, { ...marker, pending }));
      }),

    setAside: (of, common, as, { marker }, hands) =>
      at(of, hands, (site) => setAside(site, common.guid, as, (pending) => writeMarker(site, { ...marker, pending }))),

    removeSnapshots: (of, names, hands) => at(of, hands, (site) => removeSnapshots(site, names)),
    discard: (of, hands) => at(of, hands, (site) => end(site, { scrub: false })),
  };
}

/** What came whole is in no list of snapshots: see `findSnapshots`. */
type Unlisted = Map<string, ReadonlySet<string>>;

async function found(role: 'volume' | 'replica', site: Site, marker: Marker, unlisted: Unlisted): Promise<Found> {
  const bases: Base[] = (await findSnapshots(site, unlisted)).map(({ name, details }) => {
    const guid = details.receivedUuid ?? details.uuid;
    const peers = marker.holds.filter((hold) => hold.guid === guid).map(({ peer }) => peer);
    return { kind: 'snapshot', name, guid, createdAt: details.createdAt, peers: peers.toSorted() };
  });
  const isThere = role === 'volume' || bases.length > 0;
  return { role: isThere ? role : 'none', format: 'btrfs', marker, bases, resume: undefined };
}

/** Finishes what was interrupted. @returns the volume, if it is one */
async function settled(site: ReplicaSite, isReceiving: boolean): Promise<{ volume: Site | undefined; marker: Marker }> {
  const marker = await readMarker(site);
  await settleRole(site, marker, isReceiving);
  const volume = await volumeSite(site);
  if (!marker.pending) return { volume, marker };
  const done = { ...marker, pending: null };
  await writeMarker(site, done);
  return { volume, marker: done };
}

async function readMarker({ paths }: ReplicaSite): Promise<Marker> {
  const text = await textIfThere(paths.marker);
  return text === undefined ? noMarker : parseMarker(text, paths.marker);
}

async function writeMarker({ pool, paths }: ReplicaSite, marker: Marker): Promise<void> {
  await ensureFolders(pool);
  await replaceFile(paths.marker, Buffer.from(writtenMarker(marker)), { mode: 0o600 });
}
