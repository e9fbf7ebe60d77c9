/** The power of simulated machines: the lab notices that one is gone, and heals when it is back. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { simulationOf } from '#io/daemon/simulation.ts';
import type { Simulation } from '#io/http/routes/simulation.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { World } from '#io/world/world.ts';

const minuteMs = 60_000;
let clock: VirtualClock;
let world: World;
let simulation: Simulation;

beforeEach(async () => {
  clock = new VirtualClock(Date.UTC(2026, 5, 1, 12));
  world = new World({
    nodes: 3,
    seed: 1,
    clock,
    log: pino({ level: 'silent' }),
    version: 'test',
    diskLatencyMs: 1,
  });
  void world.start();
  expect(await clock.runUntil(() => world.isUp, minuteMs)).toBe(true);
  const { nodes } = world.wired;
  simulation = simulationOf(world.machines.map((machine) => ({ ...machine, node: nodes.get(machine.name)! })));
});
afterEach(() => world.crash('process'));

async function until(what: string, condition: () => boolean): Promise<void> {
  expect([what, await clock.runUntil(condition, 2 * minuteMs)]).toEqual([what, true]);
}
async function power(name: string, to: 'on' | 'off'): Promise<void> {
  let isDone = false;
  void simulation.setPower(name, to).then(() => (isDone = true));
  await until(`${name} is ${to}`, () => isDone);
}
const nodeState = (name: string) =>
  world.wired.lab.view.list('node').find(({ context }) => context.metadata.name === name)?.state;
const running = (name: string) => world.machines.find((machine) => machine.name === name)?.docker.running() ?? [];

test('a machine without power falls silent and is down; with power it is up again, and its app runs again', async () => {
  const { lab } = world.wired;
  const compose = 'name: site\nservices:\n  web:\n    image: site:1\n    restart: unless-stopped\n';
  const input = { fileName: 'compose.yaml', compose };
  void lab.run({ id: 'deploy', name: 'deploy-app', input, by: 'user:admin' }, new AbortController().signal);
  const app = () => lab.view.byName('app', 'default', 'site');
  await until('the app runs', () => app()?.state === 'running');
  const [instance] = lab.view.list('instance');
  const name = (instance && lab.view.get(instance.context.node)?.context.metadata.name) ?? '';
  expect(running(name)).toHaveLength(1);

  await power(name, 'off');
  expect(simulation.machines()).toContainEqual(expect.objectContaining({ name, power: 'off' }));
  expect(running(name)).toEqual([]);
  await until('the lab notices', () => nodeState(name) === 'down');
  expect(world.machines.filter((machine) => nodeState(machine.name) === 'up')).toHaveLength(2);

  await power(name, 'on');
  await until('the node is up', () => nodeState(name) === 'up');
  await until('the app runs again', () => running(name).length === 1 && app()?.state === 'running');
  expect(simulation.machines().map((machine) => machine.power)).toEqual(['on', 'on', 'on']);
});

test('what is so already stays so, and whoever asks at once is served in turn', async () => {
  await power('vega', 'on');
  expect(nodeState('vega')).toBe('up');
  void simulation.setPower('vega', 'off');
  void simulation.setPower('vega', 'off');
  await power('vega', 'on');
  await clock.run(minuteMs);
  expect(nodeState('vega')).toBe('up');
});
