/** The power of simulated machines: what a person who looks at a simulated lab can do to it. */
import type { Simulation } from '../http/routes/simulation.ts';
import type { SimMachine } from '../world/host.ts';
import type { SimNodePools } from '../world/pools.ts';
import type { NodeRun } from './wire.ts';

/** @param machines those of the world, each with what runs of its node */
export function simulationOf(
  machines: readonly (Pick<SimMachine, 'name' | 'docker' | 'host'> &
    Partial<Pick<SimMachine, 'pools'>> & { readonly node: NodeRun })[],
): Simulation {
  const isOff = new Set<string>();
  /** By name: one after the other, whoever asks. */
  const changing = new Map<string, Promise<void>>();

  async function change({ name, docker, host, node }: (typeof machines)[number], isOn: boolean): Promise<void> {
    if (isOn !== isOff.has(name)) return;
    if (isOn) {
      docker.engineUp();
      host.reboot();
      isOff.delete(name);
      return node.start();
    }
    isOff.add(name);
    // Without a goodbye: its containers end, and nobody reports anything.
    docker.powerCut();
    await node.stop();
  }

  return {
    machines: () =>
      machines.map(({ name, pools }) => ({
        name,
        power: isOff.has(name) ? ('off' as const) : ('on' as const),
        ...(pools === undefined ? {} : { disks: disksOf(pools) }),
      })),
    setDisk: (name, disk, hand) => {
      const pools = machines.find((one) => one.name === name)?.pools;
      const found = pools?.disks.get(`/dev/${disk}`);
      if (!pools || !found) throw new Error(`there is no simulated disk ${name}/${disk}`);
      if (hand === 'out') pools.pullOut(found.path);
      else if (hand === 'in') pools.plugIn(found);
      else pools.corrupt(found.path);
    },
    setPower: async (name, power) => {
      const machine = machines.find((one) => one.name === name);
      if (!machine) throw new Error(`there is no simulated machine ${name}`);
      const before = changing.get(name) ?? Promise.resolve();
      const changed = before.catch(() => undefined).then(() => change(machine, power === 'on'));
      changing.set(name, changed);
      await changed;
    },
  };
}

const disksOf = (pools: SimNodePools): Readonly<Record<string, 'in' | 'out'>> =>
  Object.fromEntries(
    [...pools.disks.keys()].map((path) => [
      path.slice('/dev/'.length),
      pools.isIn(path) ? ('in' as const) : ('out' as const),
    ]),
  );
