/** Every kind of directory, for whatever promises to work on any of them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '#io/devices/random/sim.ts';
import { openDirectory } from '#io/stores/directory-real.ts';
import { SimDirectory } from '#io/stores/directory-sim.ts';
import { SimMedium } from '#io/stores/sim-medium.ts';
import type { DirectoryUnderTest } from '#test/contracts/directory.ts';
import { VirtualClock } from './virtual-clock.ts';

export function onEveryDirectory(contract: (title: string, setup: () => Promise<DirectoryUnderTest>) => void): void {
  contract('A real directory', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'floatlab-directory-'));
    return { open: () => openDirectory(dir), dispose: () => rm(dir, { recursive: true }) };
  });

  contract('A simulated directory', async () => {
    const files = new SimDirectory(new SimMedium({ clock: new VirtualClock(), random: seededRandom(1), latencyMs: 0 }));
    return { open: async () => files.open(), dispose: async () => undefined };
  });

  contract('A simulated directory with latency', async () => {
    const clock = new VirtualClock();
    const files = new SimDirectory(new SimMedium({ clock, random: seededRandom(1), latencyMs: 5 }));
    let running = true;
    const run = async () => {
      while (running) await clock.step();
    };
    const stopped = run();
    return {
      open: async () => files.open(),
      dispose: async () => {
        running = false;
        await stopped;
      },
    };
  });
}
