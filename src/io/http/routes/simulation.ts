/** A hand for whoever looks at a simulated lab: the machines' power. In a real lab there is no such thing. */
import {
  diskBody,
  powerBody,
  type DiskHand,
  type Power,
  type SimulatedMachine,
} from '#io/contract/routes/simulation.ts';
import { checked, readJson } from '../body.ts';
import type { Parts, RouteContext } from '../parts.ts';
import { fail } from '../problems.ts';
import { notFound } from './view.ts';

export interface Simulation {
  machines(): readonly SimulatedMachine[];
  /** Resolves when it is so. Of a machine that is so already: done. */
  setPower(name: string, power: Power): Promise<void>;
  /** @param disk `sda` @throws when the machine has no such disk */
  setDisk?(name: string, disk: string, hand: DiskHand): void;
}

export function simulatedMachines(parts: Parts, c: RouteContext): Response {
  const { machines } = simulationOf(parts);
  c.header('cache-control', 'no-store');
  return c.json({ items: machines() });
}

export async function setPower(parts: Parts, c: RouteContext): Promise<Response> {
  const simulation = simulationOf(parts);
  const name = c.req.param('name') ?? '';
  const { power } = checked(powerBody, await readJson(c));
  if (!simulation.machines().some((machine) => machine.name === name)) throw notFound('simulated machine', name);
  await simulation.setPower(name, power);
  c.header('cache-control', 'no-store');
  return c.json({ name, power } satisfies SimulatedMachine);
}

export async function setDisk(parts: Parts, c: RouteContext): Promise<Response> {
  const simulation = simulationOf(parts);
  const { name = '', disk = '' } = c.req.param() as { name?: string; disk?: string };
  const { disk: hand } = checked(diskBody, await readJson(c));
  const machine = simulation.machines().find((one) => one.name === name);
  if (!machine) throw notFound('simulated machine', name);
  if (machine.disks?.[disk] === undefined) throw notFound('simulated disk', `${name}/${disk}`);
  simulation.setDisk?.(name, disk, hand);
  c.header('cache-control', 'no-store');
  return c.json(simulation.machines().find((one) => one.name === name));
}

function simulationOf({ simulation }: Parts): Simulation {
  if (simulation) return simulation;
  throw fail('NO_SUCH_ROUTE', 'This lab is real: nothing in it is simulated.', {
    hint: 'A simulated one: npm start -- --simulate 3',
  });
}
