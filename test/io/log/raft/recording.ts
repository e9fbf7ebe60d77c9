/** A store that remembers its batches, so that a test can do what one flipped bit in a write-ahead file does: lose some. */
import { SimDisk } from '#io/stores/sim.ts';
import type { SimImage } from '#io/stores/sim.ts';
import type { Op, Store } from '#io/stores/port.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { VirtualClock } from '#test/io/stores/virtual-clock.ts';

export function recording(inner: Store, batches: (readonly Op[])[]): Store {
  return {
    get: (key) => inner.get(key),
    range: (range) => inner.range(range),
    batch: async (ops, options) => {
      if (ops.length > 0) batches.push(ops);
      await inner.batch(ops, options);
    },
    clear: async (range) => {
      const gone: Op[] = [];
      for await (const slice of inner.range(range)) for (const [key] of slice) gone.push({ del: key });
      batches.push(gone);
      await inner.clear(range);
    },
    close: () => inner.close(),
  };
}

/** What is stored after these batches and no others. */
export async function imageAfter(batches: readonly (readonly Op[])[]): Promise<SimImage> {
  const disk = new SimDisk({ clock: new VirtualClock(), random: seededRandom(1), latencyMs: 0 });
  const store = disk.open();
  for (const ops of batches) await store.batch(ops, { sync: true });
  return disk.image();
}
