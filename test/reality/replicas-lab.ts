/**
 * Three real machines whose pools are of three kinds, and the hands for volumes and replicas on them: n1 has a btrfs, n2
 * plain folders on an ext4, n3 a zfs-fuse of its own, which nobody else sees.
 */
import { rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { idOf } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { VolumePort } from '#io/devices/volumes/port.ts';
import type { ReplicaAnswer } from '#io/contract/replica-loss.ts';
import type { Page } from '#io/contract/routes.ts';
import type { ReplicaRow } from '#projections/views/replicas.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { btrfsVolumes } from '#io/devices/volumes/btrfs/real.ts';
import { dirVolumes } from '#io/devices/volumes/dir/real.ts';
import { rememberedId } from '#io/devices/volumes/identity.ts';
import { poolMemory } from '#io/daemon/pool-setting.ts';
import { zfsVolumes } from '#io/devices/volumes/zfs/real.ts';
import { patientCall } from '#test/engine-fixture.ts';
import { tempDisk } from '#test/io/devices/volumes/dir-pool.ts';
import { tempPool } from '#test/pool-fixture.ts';
import { zfsFuse } from '#test/zfs-fixture.ts';
import { run, until } from './host.ts';
import { RealLab } from './lab.ts';
import type { Machine } from './machine.ts';

export type Kind = 'btrfs' | 'dir' | 'zfs';
const kinds: readonly Kind[] = ['btrfs', 'dir', 'zfs'];
const MiB = 2 ** 20;

/** One pool of a machine, as a person with root's rights sees it: replicas, too. */
export interface Place {
  readonly machine: Machine;
  volumes(): Promise<VolumePort>;
  /** Of its file system. */
  readonly folder: string;
  /** As a process here sees a path there. */
  seen(path: string): string;
}

export interface ReplicasLab {
  readonly lab: RealLab;
  readonly places: Readonly<Record<Kind, Place>>;
  /** Types it, and expects that it goes well. */
  floatlab(...args: readonly string[]): Promise<string>;
  /** A volume in the pool of a kind. @returns where its files are, for a process here */
  volume(name: string, on: Kind): Promise<string>;
  replica(name: string): Promise<ReplicaAnswer>;
  /** Waits until the replica holds this snapshot. */
  holds(name: string, snapshot: string, withinMs?: number): Promise<void>;
  /** Waits until it receives something. */
  syncs(name: string): Promise<void>;
  /** Waits until something is wrong with it. @returns what */
  troubled(name: string): Promise<Problem>;
  /** The names on their pools, of a volume and of its one replica. */
  datasets(volume: string): Promise<readonly [of: string, into: string]>;
  /** Leaves no room in the file system of a pool. @returns gives it back */
  fill(on: Kind): Promise<() => Promise<void>>;
  /** Where the files of a snapshot are, of the volume or of its replica. */
  filesOf(on: Kind, dataset: string, snapshot: string): Promise<string>;
  dispose(): Promise<void>;
}

/** @param engine socket of one that all of them use: nothing runs on it */
export async function replicasLab(engine: string): Promise<ReplicasLab> {
  const ends: (() => Promise<unknown>)[] = [];
  const dispose = async (): Promise<void> => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  try {
    const places: Partial<Record<Kind, Place>> = {};
    const lab = await RealLab.make(kinds.length, {
      async prepare(machine) {
        const kind = kinds[machine.number - 1];
        if (kind === undefined) throw new Error('there are more machines than kinds of pools');
        const { where, place } = await pools[kind](machine, ends);
        // The one with zfs has a /run of its own.
        const socket = machine.mountsOf === undefined ? engine : join('/proc', String(process.pid), 'root', engine);
        machine.settings = ['--engine', socket, '--pool', `${kind}=${where}`];
        places[kind] = { machine, seen: (path) => path, ...place };
      },
    }).catch(async (error: unknown) => {
      await dispose();
      throw error;
    });
    ends.push(() => lab[Symbol.asyncDispose]());
    return handsOf(lab, places as Record<Kind, Place>, dispose);
  } catch (error) {
    await dispose();
    throw error;
  }
}

type Ends = (() => Promise<unknown>)[];
interface Opened {
  readonly where: string;
  readonly place: Pick<Place, 'volumes' | 'folder'> & Partial<Place>;
}

const pools: Readonly<Record<Kind, (machine: Machine, ends: Ends) => Promise<Opened>>> = {
  async btrfs(_, ends) {
    const pool = await tempPool({ sizeBytes: 2400 * MiB });
    ends.push(() => pool.dispose());
    const volumes = btrfsVolumes({ pools: [{ name: 'btrfs', mountpoint: pool.mountpoint }] });
    return { where: pool.mountpoint, place: { volumes: async () => volumes, folder: pool.mountpoint } };
  },
  async dir(_, ends) {
    const pool = await tempDisk(1600 * MiB);
    ends.push(() => pool.dispose());
    const volumes = dirVolumes({ pools: [{ name: 'dir', folder: pool.path }] });
    return { where: `dir:${pool.path}`, place: { volumes: async () => volumes, folder: pool.path } };
  },
  async zfs(machine, ends) {
    const zfs = await zfsFuse(dirname(machine.disk.dataDir));
    ends.push(() => zfs.dispose());
    machine.mountsOf = zfs.pid;
    const zpool = `tank-${process.pid}`;
    const tool = async (file: string, ...args: string[]): Promise<void> => {
      const ran = await zfs.run(file, args, patientCall());
      if (ran.exitCode !== 0) throw new Error(`${file} ${args.join(' ')}: ${ran.stderr}`);
    };
    await tool('truncate', '-s', String(1000 * MiB), '/run/test/disk');
    await tool('zpool', 'create', '-O', 'canmount=off', '-O', 'mountpoint=none', zpool, '/run/test/disk');
    const root = `${zpool}/floatlab`;
    const mountBase = join(machine.disk.dataDir, 'pool', 'zfs');
    const volumes = async (): Promise<VolumePort> => {
      const id = await rememberedId(poolMemory(machine.disk.dataDir, 'zfs'), root);
      return zfsVolumes({ pools: [{ name: 'zfs', root, mountBase, id: id ?? '' }], run: zfs.run });
    };
    return {
      where: `zfs:${root}`,
      place: { volumes, folder: mountBase, seen: (path) => join('/proc', String(zfs.pid), 'root', path) },
    };
  },
};

function handsOf(lab: RealLab, places: Readonly<Record<Kind, Place>>, dispose: () => Promise<void>): ReplicasLab {
  const at = (): Machine => {
    const running = lab.machines.find(({ isRunning }) => isRunning);
    if (!running) throw new Error('no machine runs');
    return running;
  };
  const rows = async <T extends { readonly name: string }>(path: string, name: string): Promise<T> => {
    const { items } = await lab.api(at()).ask<Page<T>>(`/api/v1/${path}?limit=1000`);
    const found = items.find((row) => row.name === name);
    if (!found) throw new Error(`there is no ${name}`);
    return found;
  };
  const replica = (name: string): Promise<ReplicaAnswer> => rows('replicas', name);
  return {
    ...{ lab, places, replica, dispose },
    floatlab: (...args) => lab.tells(at(), ...args),
    async volume(name, on) {
      await lab.tells(at(), 'volume', 'create', name, '--size', '96MiB', '--pool', on);
      const row = await until(`${name} is ready`, 30_000, async () => {
        const found = await rows<VolumeRow>('volumes', name);
        return found.state === 'ready' && found;
      });
      return places[on].seen(row.path ?? '');
    },
    async holds(name, snapshot, withinMs = 60_000) {
      await until(`${name} holds ${snapshot}`, withinMs, async () => {
        const { state, holds, problem } = await replica(name);
        if (state === 'failed') throw new Error(`${problem?.code}: ${problem?.message}`);
        return state === 'idle' && holds?.name === snapshot;
      });
    },
    async syncs(name) {
      await until(`${name} syncs`, 60_000, async () => (await replica(name)).state === 'syncing');
    },
    troubled: (name) => until(`${name} has a problem`, 60_000, async () => (await replica(name)).problem ?? undefined),
    async datasets(volume) {
      const { items } = await lab.api(at()).ask<Page<ReplicaRow>>('/api/v1/replicas?limit=1000');
      const found = items.find((row) => row.volume.name === volume);
      const of = await rows<VolumeRow>('volumes', volume);
      if (!found) throw new Error(`${volume} has no replica`);
      return [idOf(of.id), idOf(found.id)];
    },
    async fill(on) {
      const { bavail, bsize } = await statfs(places[on].folder);
      const filler = join(places[on].folder, 'filler');
      await run('fallocate', '-l', String(Math.max(0, bavail * bsize - MiB)), filler);
      return () => rm(filler);
    },
    async filesOf(on, dataset, snapshot) {
      const { volumes, seen } = places[on];
      return seen(await (await volumes()).snapshotPath({ pool: on, name: dataset }, snapshot, patientCall()));
    },
  };
}
