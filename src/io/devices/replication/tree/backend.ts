/**
 * Replicas on any file system, file by file. A replica is a dataset of the port of volumes, hidden from everybody else;
 * its record says which of its snapshots stand for which of the volume's.
 *
 *     find ─ settle.ts      what an interrupted call has left
 *     arrive, accept, drop  streams.ts
 *     promote, demote …     roles.ts
 *
 * Nothing can be resumed, and there are no bookmarks and no holds: who needs what is in the marker, and the guard of the
 * port keeps to it. A replica is not read-only, as no port of volumes can make it that: nobody is told its path. Where
 * somebody writes to it all the same, the next stream does not come out as it should: it is refused, and so are all that
 * follow, until what was written is set aside.
 */
import { replicationOver } from '../over.ts';
import type { OverOptions } from '../turns.ts';
import type { Backend, Found, Hands } from '../backend.ts';
import { withHolds, type Marker } from '../marker.ts';
import type { Base, ReplicationPort } from '../port.ts';
import { refusal } from '../refusals.ts';
import type { Dataset, VolumePort } from '../../volumes/port.ts';
import type { TreeMeans } from './means.ts';
import { realMeans } from './means.ts';
import { nameOfRecord, parseRecord } from './record.ts';
import { demote, discard, promote, setAside } from './roles.ts';
import { seen } from './seen.ts';
import { settle } from './settle.ts';
import { callOf, endWork, guidOf, readRecord, siteOf, snapshotsOf, writeRecord, type Site } from './site.ts';
import { accept, arrive, drop, keepWritten, source } from './streams.ts';

export interface TreeReplicationOptions extends OverOptions {
  /** Of any file system, and not guarded by this port. */
  readonly volumes: VolumePort;
}

export const treeReplication = (options: TreeReplicationOptions): ReplicationPort =>
  treeReplicationWith(realMeans(options.volumes), options);

export function treeReplicationWith(means: TreeMeans, options: OverOptions): ReplicationPort {
  const port = replicationOver(treeBackend(means), options);
  return { ...port, guard: (volumes) => port.guard(seen(volumes, means)) };
}

export interface TreeBackend extends Backend {
  /** Whether a dataset is kept file by file, or was. */
  keeps(of: Dataset, hands: Hands): Promise<boolean>;
  /** What is received from now on is kept in another way. */
  leave(of: Dataset, hands: Hands): Promise<void>;
}

export function treeBackend(means: TreeMeans): TreeBackend {
  const at = <T>(of: Dataset, hands: Hands, body: (site: Site) => Promise<T>): Promise<T> =>
    body(siteOf(means, of, hands));

  return {
    formats: ['tree'],

    keeps: (of, hands) =>
      at(of, hands, async (site) => {
        const { role, copies, marker } = await readRecord(site);
        return role === 'replica' || copies.length > 0 || marker.holds.length > 0;
      }),

    leave: (of, hands) =>
      at(of, hands, async (site) => {
        const { marker } = await readRecord(site);
        const left: Marker = { ...marker, incoming: null, pending: null, holds: [] };
        await writeRecord(site, { marker: left, role: 'volume', copies: [] });
      }),

    async abilities(pool, hands) {
      const found = (await means.volumes.pools(callOf(hands))).find(({ name }) => name === pool);
      if (!found || found.state === 'unavailable') throw refusal(hands, 'POOL_MISSING', 'it is not there');
      const isFine = await means.keepsFractions(await means.records.folder(pool, callOf(hands)));
      const can = { format: 'tree', resume: false, compressed: false, raw: false, bookmarks: false } as const;
      return isFine ? { ...can, fractions: true } : can;
    },

    async replicas(pool, hands) {
      const found: string[] = [];
      for (const key of await means.records.keys(pool, callOf(hands))) {
        const name = nameOfRecord(key);
        const text = name === undefined ? undefined : await means.records.read(pool, key, callOf(hands));
        if (name === undefined || text === undefined) continue;
        if (parseRecord(text, `the record of ${pool}/${name}`).role === 'replica') found.push(name);
      }
      return found;
    },

    find: (of, hands, isReceiving) =>
      at(of, hands, async (site) => {
        const { record, snaps } = await settle(site, isReceiving);
        const { marker } = record;
        const bases: Base[] = (snaps ?? []).map(({ name, guid: local, createdAt }) => {
          const guid = guidOf(record, local);
          const peers = marker.holds.filter((hold) => hold.guid === guid).map(({ peer }) => peer);
          return { kind: 'snapshot', name, guid, createdAt, peers: peers.toSorted() };
        });
        // While the first stream is received, the name is taken.
        const isReplica = record.role === 'replica' && (snaps !== undefined || isReceiving);
        const isVolume = record.role === 'volume' && snaps !== undefined;
        const role = isReplica ? 'replica' : isVolume ? 'volume' : 'none';
        return { role, format: 'tree', marker, bases, resume: undefined } satisfies Found;
      }),

    marker: (of, hands) => at(of, hands, async (site) => (await readRecord(site)).marker),
    mark: (of, marker, hands) =>
      at(of, hands, async (site) => {
        const record = await readRecord(site);
        // Only what may become a replica, or is one, is given a stream.
        await writeRecord(site, { ...record, marker, role: marker.incoming ? 'replica' : record.role });
      }),

    hold: (of, bases, peer, hands) =>
      at(of, hands, async (site) => {
        const record = await readRecord(site);
        const { marker } = record;
        const holds = withHolds(marker, bases, peer);
        if (holds !== marker.holds) await writeRecord(site, { ...record, marker: { ...marker, holds } });
      }),

    release: (of, peer, except, hands) =>
      at(of, hands, async (site) => {
        const record = await readRecord(site);
        const { marker } = record;
        const holds = marker.holds.filter((hold) => hold.peer !== peer || except.has(hold.guid));
        if (holds.length < marker.holds.length) await writeRecord(site, { ...record, marker: { ...marker, holds } });
      }),

    source: (of, from, to, how, hands) => at(of, hands, (site) => source(site, from, to, how)),
    resumed: (_, __, hands) =>
      Promise.reject(refusal(hands, 'TOKEN_DEAD', 'a stream of files cannot be resumed', 'Begin anew.')),

    arrive: (of, what, bytes, how, hands) => at(of, hands, (site) => arrive(site, what, bytes, how)),
    accept: (of, what, hands) => at(of, hands, (site) => accept(site, what)),
    drop: (of, hands) => at(of, hands, drop),
    keepWritten: (of, hands) => at(of, hands, keepWritten),

    promote: (of, spec, { marker }, hands) => at(of, hands, (site) => promote(site, spec, marker)),
    demote: (of, final, { marker }, hands) => at(of, hands, (site) => demote(site, final, marker)),
    setAside: (of, common, as, { marker }, hands) => at(of, hands, (site) => setAside(site, common.guid, as, marker)),

    removeSnapshots: (of, names, hands) =>
      at(of, hands, async (site) => {
        await means.volumes.removeSnapshots(of, names, site.call);
        const left = await snapshotsOf(site);
        const record = await readRecord(site);
        const copies = record.copies.filter(({ local }) => left?.some(({ guid }) => guid === local));
        if (copies.length < record.copies.length) await writeRecord(site, { ...record, copies });
      }),
    discard: (of, hands) =>
      at(of, hands, async (site) => {
        await discard(site);
        await endWork(site);
      }),
  };
}
