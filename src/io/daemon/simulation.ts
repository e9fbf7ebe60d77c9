/** The power of simulated machines: what a person who looks at a simulated lab can do to it. */
import type { Simulation } from '../http/routes/simulation.ts';
import type { SimMachine } from '../world/host.ts';
import type { NodeRun } from './wire.ts';

/** @param machines those of the world, each with what runs of its node */
export function simulationOf(
  machines: readonly (Pick<SimMachine, 'name' | 'docker' | 'host'> & { readonly node: NodeRun })[],
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
    machines: () => machines.map(({ name }) => ({ name, power: isOff.has(name) ? 'off' : 'on' })),
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
