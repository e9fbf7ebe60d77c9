import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '#io/devices/random/sim.ts';
import { openDirectory } from '#io/stores/directory-real.ts';
import { openLevel } from '#io/stores/level.ts';
import { SimMachineDisk } from '#io/stores/sim-machine.ts';
import { raftStorageContract } from '#test/contracts/raft-storage.ts';
import { VirtualClock } from '#test/io/stores/virtual-clock.ts';

raftStorageContract('LevelDB with a real directory', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'floatlab-raft-'));
  return {
    open: async () => ({
      store: await openLevel(join(dir, 'raft')),
      directory: await openDirectory(join(dir, 'watermark')),
    }),
    clear: async () => {
      await rm(join(dir, 'raft'), { recursive: true });
      await rm(join(dir, 'watermark'), { recursive: true });
    },
    dispose: () => rm(dir, { recursive: true }),
  };
});

raftStorageContract('A simulated disk', async () => {
  const disk = new SimMachineDisk({ clock: new VirtualClock(), random: seededRandom(1), latencyMs: 0 });
  return {
    open: async () => ({ store: disk.database('raft').open(), directory: disk.directory('raft').open() }),
    clear: async () => disk.wipe(),
    dispose: async () => undefined,
  };
});

raftStorageContract('A simulated disk with latency', async () => {
  const clock = new VirtualClock();
  const disk = new SimMachineDisk({ clock, random: seededRandom(1), latencyMs: 5 });
  let running = true;
  const run = async () => {
    while (running) await clock.step();
  };
  const stopped = run();
  return {
    open: async () => ({ store: disk.database('raft').open(), directory: disk.directory('raft').open() }),
    clear: async () => disk.wipe(),
    dispose: async () => {
      running = false;
      await stopped;
    },
  };
});
