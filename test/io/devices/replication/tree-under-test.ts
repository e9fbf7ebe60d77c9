/** Replication file by file between real pools of any two kinds, with the hands that the contract asks for. */
import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { patience } from '#io/devices/replication/patience.ts';
import { treeReplicationWith } from '#io/devices/replication/tree/backend.ts';
import type { TreeMeans } from '#io/devices/replication/tree/means.ts';
import { realMeans } from '#io/devices/replication/tree/means.ts';
import { verifyTree } from '#io/devices/tree-stream/digest.ts';
import { receiveTree } from '#io/devices/tree-stream/receive.ts';
import { sendTree } from '#io/devices/tree-stream/send.ts';
import type { Waiting } from '#io/devices/tree-stream/thread/streams.ts';
import type { VolumePort } from '#io/devices/volumes/port.ts';
import type { ReplicationUnderTest, SideUnderTest } from '#test/contracts/replication.ts';
import { tempPool } from '#test/pool-fixture.ts';
import { zfsFuse, zfsPool } from '#test/zfs-fixture.ts';
import { tempDisk, tool } from '../volumes/dir-pool.ts';
import { localHands } from '../volumes/local-hands.ts';

export const treeCan = {
  format: 'tree',
  resume: false,
  compressed: false,
  raw: false,
  bookmarks: false,
  fractions: true,
} as const;

/** On the thread of the test: one of its own for each of hundreds of streams, from source, would take minutes. */
const onThisThread: Pick<TreeMeans, 'send' | 'receive'> = {
  send: (options, how) => sendTree(options, callOf(how)),
  async receive(stream, options, how) {
    const waiting = patience({ op: 'receive', ...how });
    const pieces = stream[Symbol.asyncIterator]();
    const patiently = async function* () {
      for (;;) {
        const next = await waiting.wait(pieces.next());
        if (next.done === true) return;
        yield next.value;
      }
    };
    try {
      const received = await receiveTree(patiently(), options, callOf(how));
      await verifyTree(options.into, received, callOf(how));
    } finally {
      waiting.end();
    }
  },
};

const callOf = ({ signal }: Waiting) => ({ signal, timeoutMs: 300_000, progress: () => undefined });

export type RealKind = 'btrfs' | 'dir' | 'zfs-fuse';
export type RealSide = SideUnderTest & {
  /** The same pool, as somebody sees it who does not know of replicas. */
  unguarded(): VolumePort;
  dispose(): Promise<void>;
};

export async function treeBetween(
  here: RealKind,
  there: RealKind,
): Promise<ReplicationUnderTest & { readonly there: RealSide }> {
  const [a, b] = [await treeSide(here), await treeSide(there)];
  return {
    here: a,
    there: b,
    async dispose() {
      for (const side of [a, b]) await side.dispose();
    },
  };
}

function treeSide(kind: RealKind): Promise<RealSide> {
  switch (kind) {
    case 'btrfs':
      return btrfs();
    case 'dir':
      return dir();
    case 'zfs-fuse':
      return fuse();
  }
}

type Own = Pick<RealSide, 'makeNative' | 'dispose' | 'hasNoSizes'>;

function sideOver(open: () => VolumePort, own: Own): RealSide {
  const reopen: SideUnderTest['reopen'] = (step) => {
    const volumes = open();
    const means = { ...realMeans(volumes), ...onThisThread };
    const replication = treeReplicationWith(means, step ? { step } : {});
    return { replication, volumes: replication.guard(volumes) };
  };
  const fillAt: SideUnderTest['fillAt'] = async (folder, file, bytes) =>
    void (await localHands.fitsAt(folder, file, bytes));
  return { ...localHands, ...own, fillAt, pool: 'test', ...reopen(), reopen, unguarded: open };
}

async function btrfs(): Promise<RealSide> {
  const pool = await tempPool();
  let count = 0;
  return sideOver(() => pool.open(), {
    dispose: () => pool.dispose(),
    async makeNative() {
      const path = join(pool.mountpoint, 'theirs', `data-${++count}`);
      await mkdir(join(pool.mountpoint, 'theirs'), { recursive: true });
      await tool('btrfs', 'subvolume', 'create', path);
      return path;
    },
  });
}

async function dir(): Promise<RealSide> {
  const pool = await tempDisk();
  let count = 0;
  return sideOver(() => pool.open(), {
    hasNoSizes: true,
    dispose: () => pool.dispose(),
    async makeNative() {
      const path = join(pool.path, `data-${++count}`);
      await mkdir(path);
      return path;
    },
  });
}

/** Its mounts are seen by its own processes only: through one of them their paths are reached from here. */
async function fuse(): Promise<RealSide> {
  const machine = await zfsFuse();
  const pool = await zfsPool(machine);
  const mounts = (await pool.tool('readlink', '/proc/self/ns/mnt')).trim();
  const script = 'for p in /proc/[0-9]*; do [ "$(readlink $p/ns/mnt)" = "$1" ] && echo ${p#/proc/} && exit; done';
  const pid = execFileSync('sh', ['-c', script, 'sh', mounts], { encoding: 'utf8' }).trim();
  const there = (path: string): string => join('/proc', pid, 'root', path);
  const placed = <T extends { readonly path: string }>(info: T): T => ({ ...info, path: there(info.path) });
  const open = (): VolumePort => {
    const volumes = pool.open();
    return {
      ...volumes,
      create: async (of, spec, call) => placed(await volumes.create(of, spec, call)),
      clone: async (from, snapshot, into, spec, call) => placed(await volumes.clone(from, snapshot, into, spec, call)),
      mount: async (of, call) => placed(await volumes.mount(of, call)),
      async inspect(of, call) {
        const info = await volumes.inspect(of, call);
        return info && placed(info);
      },
      snapshotPath: async (of, name, call) => there(await volumes.snapshotPath(of, name, call)),
    };
  };
  let count = 0;
  return sideOver(open, {
    dispose: () => machine.dispose(),
    async makeNative() {
      const native = `${pool.zpool}/native-${++count}`;
      await pool.tool('zfs', 'create', '-o', `mountpoint=${machine.folder}/natives/${count}`, native);
      return native;
    },
  });
}
