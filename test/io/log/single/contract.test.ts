import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { openSingleLog } from '#io/log/single/open.ts';
import { openWatermark, storeWatermark } from '#io/log/single/watermark.ts';
import { openLevel } from '#io/stores/level.ts';
import { SimDisk } from '#io/stores/sim.ts';
import { eventLogContract } from '#test/contracts/event-log.ts';
import { VirtualClock } from '#test/io/stores/virtual-clock.ts';

eventLogContract('The single engine on LevelDB', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'floatlab-log-'));
  return {
    open: async () =>
      openSingleLog({
        store: await openLevel(join(dir, 'log')),
        watermark: await openWatermark(join(dir, 'watermark')),
        clock: realClock,
        random: realRandom,
      }),
    dispose: () => rm(dir, { recursive: true }),
  };
});

eventLogContract('The single engine on the simulated disk', async () => {
  const clock = new VirtualClock();
  const random = seededRandom(1);
  const disk = new SimDisk({ clock, random, latencyMs: 0 });
  const markDisk = new SimDisk({ clock, random, latencyMs: 0 });
  return {
    open: () =>
      openSingleLog({ store: disk.open(), watermark: storeWatermark(markDisk.open()), clock, random, node: 'n1' }),
    dispose: async () => undefined,
  };
});
