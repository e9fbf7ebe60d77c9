/**
 * An app with two volumes that moves to another node of a simulated lab, past daemons that die at any moment. The oracle:
 * whatever runs has both of its volumes where it is, each can be written on one node at most, and what the app wrote into
 * both before it stopped is in both where it goes on.
 */
import { describe, expect, test } from 'vitest';
import type { SimMachine } from '#io/world/host.ts';
import { OneMachine } from './one-machine.ts';

const compose = `name: photos
services:
  web: { image: nginx, volumes: ["data:/data", "db:/db"] }
volumes: { data: {}, db: {} }
x-floatlab: { size: 64MiB }
`;
const names = ['photos-data', 'photos-db'] as const;
type Name = (typeof names)[number];

const machineOf = (lab: OneMachine, named: string): SimMachine => {
  const found = lab.world.machines.find((one) => one.name === named);
  if (!found) throw new Error(`there is no ${named}`);
  return found;
};
const volumeOf = (lab: OneMachine, name: Name) => lab.lab.byName('volume', 'default', name);
const nodeOf = (lab: OneMachine, name: Name): string =>
  lab.lab.get(volumeOf(lab, name)?.context.node ?? 'node:')?.context.metadata.name ?? '';
const filesOf = (lab: OneMachine, name: Name) =>
  machineOf(lab, nodeOf(lab, name)).volumes.filesAt(volumeOf(lab, name)?.context.path ?? '') ??
  new Map<string, string>();
const nodes = (lab: OneMachine) => names.map((name) => nodeOf(lab, name));
const states = (lab: OneMachine) => names.map((name) => volumeOf(lab, name)?.state);
const counts = (lab: OneMachine) => names.map((name) => filesOf(lab, name).get('count'));

/** Of the same kind of file system. */
const partner: Readonly<Record<string, string>> = { atlas: 'rigel', rigel: 'atlas', vega: 'deneb', deneb: 'vega' };

async function withApp(seed = 1): Promise<{ readonly lab: OneMachine; readonly from: string; readonly to: string }> {
  const lab = await OneMachine.started(seed, 5);
  await lab.must('deploy-app', { compose });
  await lab.untilApp('photos', 'running');
  write(lab, 'first');
  const from = nodeOf(lab, 'photos-data');
  return { lab, from, to: partner[from] ?? 'none' };
}

/** As one transaction over both would be: only while the app has both. */
function write(lab: OneMachine, count: string): void {
  if (lab.app('photos')?.state !== 'running' || !states(lab).every((state) => state === 'ready')) return;
  for (const name of names) filesOf(lab, name).set('count', count);
}

/** Machines on which a dataset of the volume could be written. */
function writable(lab: OneMachine, name: Name): readonly string[] {
  const volume = volumeOf(lab, name);
  const replicas = lab.lab.referrers(volume?.stream ?? 'volume:', 'replica').map(({ context }) => context.dataset);
  const datasets = new Set([volume?.context.dataset ?? '', ...replicas]);
  return lab.world.machines.flatMap((machine) =>
    [...machine.volumes.inside.values()].flatMap((pool) =>
      [...pool.datasets.keys()].filter((dataset) => datasets.has(dataset)).map(() => machine.name),
    ),
  );
}

function look(lab: OneMachine): void {
  for (const name of names) expect(writable(lab, name).length).toBeLessThanOrEqual(1);
  for (const instance of lab.lab.list('instance').filter(({ state }) => state === 'running')) {
    const at = lab.lab.get(instance.context.node)?.context.metadata.name;
    expect(nodes(lab)).toEqual([at, at]);
  }
}

async function watched(lab: OneMachine, forMs: number): Promise<void> {
  for (let ms = 0; ms < forMs; ms += 7) {
    await lab.clock.run(7);
    look(lab);
  }
}

const arrived = (lab: OneMachine, to: string): Promise<void> =>
  lab.until(
    `both are on ${to} (they are ${states(lab)} on ${nodes(lab)}, the app is ${lab.app('photos')?.state})`,
    () =>
      nodes(lab).every((node) => node === to) &&
      states(lab).every((state) => state === 'ready') &&
      lab.app('photos')?.state === 'running',
    900_000,
  );

describe('an app that moves with two volumes', () => {
  test('goes on with what it wrote into both, and stood still once', async () => {
    const { lab, from, to } = await withApp();
    await lab.must('move-app', { name: 'photos', node: to });
    let stops = 0;
    for (let n = 0; !nodes(lab).every((node) => node === to) && n < 20_000; n++) {
      const before = lab.app('photos')?.state;
      write(lab, String(n));
      await lab.clock.run(5);
      look(lab);
      if (before !== 'paused' && lab.app('photos')?.state === 'paused') stops += 1;
    }
    const written = counts(lab);
    await arrived(lab, to);
    expect(stops).toBe(1);
    expect(written[0]).not.toBe('first');
    expect(new Set([...written, ...counts(lab)]).size).toBe(1);
    expect(lab.lab.list('replica').map(({ context }) => lab.lab.get(context.node)?.context.metadata.name)).toEqual([
      from,
      from,
    ]);
    await lab.until('its operation has ended', () => lab.lab.list('operation').every(({ final }) => final));
    await lab.must('move-app', { name: 'photos', node: from, replica: false });
    await arrived(lab, from);
    expect(new Set([...written, ...counts(lab)]).size).toBe(1);
    await lab.until('nothing is left', () => lab.lab.list('replica').length === 0);
  });

  test.each([13, 41, 97, 201])('has both in one place whenever the daemons die, every %i ms', async (stepMs) => {
    const { lab, to } = await withApp(stepMs);
    await lab.must('move-app', { name: 'photos', node: to });
    for (let kills = 0; kills < 40 && nodes(lab).some((node) => node !== to); kills++) {
      await watched(lab, stepMs * (1 + (kills % 5)));
      await lab.restart(20);
      write(lab, String(kills));
    }
    await arrived(lab, to);
    expect(new Set(counts(lab)).size).toBe(1);
    for (const name of names) expect(writable(lab, name)).toEqual([to]);
  });

  test.each(['draining', 'demoting', 'sending', 'sealing', 'sealed'] as const)(
    'that is canceled when one of them is %s stays with both where it was, past daemons that die meanwhile',
    async (state) => {
      const { lab, from, to } = await withApp();
      await lab.must('move-app', { name: 'photos', node: to });
      await lab.until(`one is ${state}`, () => states(lab).includes(state));
      await lab.must('cancel-app-move', { name: 'photos' });
      for (const ms of [3, 17, 60]) {
        await watched(lab, ms);
        await lab.restart(20);
      }
      await arrived(lab, from);
      expect(counts(lab)).toEqual(['first', 'first']);
      write(lab, 'second');
      await lab.must('move-app', { name: 'photos', node: to });
      await arrived(lab, to);
      expect(counts(lab)).toEqual(['second', 'second']);
    },
  );
});
