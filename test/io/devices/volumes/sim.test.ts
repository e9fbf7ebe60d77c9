import { describe } from 'vitest';
import { seededRandom } from '#io/devices/random/sim.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import { volumesContract } from '#test/contracts/volumes.ts';
import { selfWindingClock } from './self-winding-clock.ts';

describe('simulated volumes', () => {
  volumesContract({
    runs: 100,
    commands: 30,
    setup: async () => {
      const sim = simVolumes({
        clock: selfWindingClock(),
        random: seededRandom(1),
        pools: [{ name: 'test', sizeBytes: 256 * 2 ** 20 }],
      });
      return {
        pool: 'test',
        volumes: sim,
        reopen: () => sim,
        write: async (of, file, text) => sim.write(of, file, text),
        read: async (of, file) => sim.files(of).get(file),
        readSnapshot: async (of, snapshot, file) => sim.snapshotFiles(of, snapshot).get(file),
        fits: async (of, file, bytes) => {
          try {
            sim.write(of, file, 'x'.repeat(bytes));
            return true;
          } catch {
            return false;
          }
        },
        surroundings: async () =>
          JSON.stringify(sim.contents(), (_, value: unknown) =>
            value instanceof Map ? [...value] : typeof value === 'string' && value.length > 200 ? value.length : value,
          ),
        moment: async (n) => {
          for (let turns = 0; turns < n; turns++) await new Promise((resolve) => setImmediate(resolve));
        },
        unplug: async () => sim.setPool('test', 'unavailable'),
        plugIn: async () => sim.setPool('test', 'online'),
        dispose: async () => undefined,
      };
    },
  });
});
