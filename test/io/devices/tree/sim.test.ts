import { VirtualClock } from '#io/world/virtual-clock.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { simFifo, simLink, simTree } from '#io/devices/tree/sim.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import { treeContract } from '#test/contracts/tree.ts';

treeContract('simulated trees', async () => {
  const volumes = simVolumes({
    clock: new VirtualClock(0),
    random: seededRandom(1),
    pools: [{ name: 'main', sizeBytes: 2 ** 30 }],
  });
  const [live, snapshot] = ['live', 'snapshot'].map((name) => volumes.addNative('main', name).path) as [string, string];
  const put = async (root: string, path: string, text: string): Promise<void> => volumes.writeAt(root, path, text);
  return {
    port: simTree(volumes),
    live,
    snapshot,
    write: put,
    read: async (root, path) => volumes.filesAt(root)?.get(path),
    folder: (root, path) => put(root, `${path}/`, ''),
    link: (root, path, target) => put(root, path, simLink(target)),
    fifo: (root, path) => put(root, path, simFifo),
    dispose: () => Promise.resolve(),
  };
});
