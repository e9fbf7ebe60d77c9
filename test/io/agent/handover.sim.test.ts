/**
 * A volume that moves to another node of a simulated lab, past daemons that die at any moment. The oracle looks at
 * simulated bytes: never two that can be written, and nothing that was acknowledged is lost.
 */
import { describe, expect, test } from 'vitest';
import type { SimMachine } from '#io/world/host.ts';
import { OneMachine } from './one-machine.ts';

const compose = `name: photos
services:
  web: { image: nginx, volumes: ["data:/data"] }
volumes: { data: {} }
x-floatlab: { size: 64MiB }
`;
const name = 'photos-data';

const machineOf = (lab: OneMachine, named: string): SimMachine => {
  const found = lab.world.machines.find((one) => one.name === named);
  if (!found) throw new Error(`there is no ${named}`);
  return found;
};

const volumeOf = (lab: OneMachine) => lab.lab.byName('volume', 'default', name);
const nodeOf = (lab: OneMachine) => lab.lab.get(volumeOf(lab)?.context.node ?? 'node:')?.context.metadata.name ?? '';
const filesOf = (lab: OneMachine) =>
  machineOf(lab, nodeOf(lab)).volumes.filesAt(volumeOf(lab)?.context.path ?? '') ?? new Map<string, string>();

/** Where its app runs; the machine whose pool is of the same kind is where it goes. */
const partner: Readonly<Record<string, string>> = { atlas: 'rigel', rigel: 'atlas', vega: 'deneb', deneb: 'vega' };

async function withApp(seed = 1): Promise<{ readonly lab: OneMachine; readonly from: string; readonly to: string }> {
  const lab = await OneMachine.started(seed, 5);
  await lab.must('deploy-app', { compose });
  await lab.untilApp('photos', 'running');
  filesOf(lab).set('page', 'one');
  const from = nodeOf(lab);
  return { lab, from, to: partner[from] ?? 'none' };
}

/** Datasets of the volume that somebody could write: volumes, by the machine that has them. */
function writable(lab: OneMachine): readonly string[] {
  const volume = volumeOf(lab);
  const replicas = lab.lab.list('replica').map(({ context }) => context.dataset);
  const datasets = new Set([volume?.context.dataset ?? '', ...replicas]);
  return lab.world.machines.flatMap((machine) =>
    [...machine.volumes.inside.values()].flatMap((pool) =>
      [...pool.datasets.keys()].filter((dataset) => datasets.has(dataset)).map(() => machine.name),
    ),
  );
}

const arrived = (lab: OneMachine, to: string): Promise<void> =>
  lab.until(
    `it is on ${to} (it is ${volumeOf(lab)?.state} on ${nodeOf(lab)}; ${JSON.stringify(lab.lab.list('replica').map(({ state, context }) => [state, context.problem]))})`,
    () => nodeOf(lab) === to && volumeOf(lab)?.state === 'ready' && lab.app('photos')?.state === 'running',
    900_000,
  );

/** Lets time pass in small steps, and looks after each. */
async function watched(lab: OneMachine, forMs: number): Promise<void> {
  for (let ms = 0; ms < forMs; ms += 7) {
    await lab.clock.run(7);
    expect(writable(lab).length).toBeLessThanOrEqual(1);
  }
}

describe('a volume that moves to another node', () => {
  test('takes along what its app writes until it stops, and its app goes on there', async () => {
    const { lab, from, to } = await withApp();
    const before = volumeOf(lab)?.context.dataset;
    await lab.must('take-snapshot', { name, as: 'monday' });
    await lab.must('move-volume', { name, node: to });
    await lab.until('a replica is made', () => lab.lab.list('replica').length === 1);
    filesOf(lab).set('page', 'two');
    for (let n = 0; lab.app('photos')?.state !== 'paused' && n < 10_000; n++) {
      filesOf(lab).set('count', String(n));
      await lab.clock.run(5);
    }
    const last = filesOf(lab).get('count');
    await arrived(lab, to);
    expect(filesOf(lab)).toEqual(
      new Map([
        ['page', 'two'],
        ['count', last],
      ]),
    );
    expect(writable(lab)).toEqual([to]);
    const snapshots = lab.lab.referrers(volumeOf(lab)?.stream ?? 'volume:', 'snapshot');
    expect(snapshots.map(({ context }) => context.metadata.name)).toContain('monday');
    const replica = lab.lab.byName('replica', 'default', `${name}-on-${from}`);
    expect(replica?.context.dataset).toBe(before);
    // And it follows, and can be gone back to.
    filesOf(lab).set('page', 'three');
    await lab.must('take-snapshot', { name, as: 'tuesday' });
    await lab.until(
      'the replica follows',
      () => lab.lab.get(replica?.stream ?? 'replica:')?.context.cursor?.name === 'tuesday',
    );
    await lab.must('move-volume', { name, node: from, replica: false });
    await arrived(lab, from);
    expect(filesOf(lab).get('page')).toBe('three');
    expect(volumeOf(lab)?.context.dataset).toBe(before);
    await lab.until('nothing is left', () => lab.lab.list('replica').length === 0);
    expect(writable(lab)).toEqual([from]);
  });

  test('is on one of the two and on no other, and can be written on one only, whenever the daemons die', async () => {
    for (const stepMs of [13, 41, 97, 201]) {
      const { lab, to } = await withApp(stepMs);
      await lab.must('move-volume', { name, node: to });
      for (let kills = 0; kills < 40 && nodeOf(lab) !== to; kills++) {
        await watched(lab, stepMs * (1 + (kills % 5)));
        await lab.restart(20);
        if (lab.app('photos')?.state === 'running' && volumeOf(lab)?.state === 'ready')
          filesOf(lab).set('kills', String(kills));
      }
      const kills = filesOf(lab).get('kills');
      await arrived(lab, to);
      expect(filesOf(lab).get('page')).toBe('one');
      expect(filesOf(lab).get('kills')).toBe(kills);
      expect(writable(lab)).toEqual([to]);
    }
  });

  test.each(['draining', 'demoting', 'sending', 'sealing'] as const)(
    'that is canceled when it is %s stays where it was, past daemons that die meanwhile',
    async (state) => {
      const { lab, from, to } = await withApp();
      await lab.must('move-volume', { name, node: to });
      await lab.until(`it is ${state}`, () => volumeOf(lab)?.state === state);
      await lab.must('cancel-move', { name });
      for (const ms of [3, 17, 60]) {
        await watched(lab, ms);
        await lab.restart(20);
      }
      await arrived(lab, from);
      expect(filesOf(lab)).toEqual(new Map([['page', 'one']]));
      expect(writable(lab)).toEqual([from]);
      filesOf(lab).set('page', 'two');
      await lab.must('move-volume', { name, node: to });
      await arrived(lab, to);
      expect(filesOf(lab)).toEqual(new Map([['page', 'two']]));
    },
  );

  test.each(['btrfs', 'zfs', 'dir'])(
    'goes to a node with another kind of file system, first on %s, and back',
    async (driver) => {
      const lab = await OneMachine.started(3, 5);
      const kindOf = ({ volumes }: SimMachine): string => [...volumes.inside.values()][0]?.driver ?? '';
      const first = lab.world.machines.find((machine) => kindOf(machine) === driver);
      const other = lab.world.machines.find((machine) => kindOf(machine) !== driver);
      if (!first || !other) throw new Error('there are not two kinds');
      await lab.must('label-node', { name: first.name, labels: { place: 'here' } });
      await lab.must('create-volume', {
        name,
        spec: { sizeBytes: 2 ** 26, constraints: { labels: { place: 'here' } } },
      });
      await lab.until('it is ready', () => volumeOf(lab)?.state === 'ready');
      await lab.must('change-volume', { name, constraints: {} });
      filesOf(lab).set('page', 'one');
      await lab.must('take-snapshot', { name, as: 'monday' });
      for (const [target, page] of [
        [other.name, 'two'],
        [first.name, 'three'],
      ] as const) {
        await lab.must('move-volume', { name, node: target });
        filesOf(lab).set('page', page);
        await lab.until(
          `it is on ${target} (it is ${volumeOf(lab)?.state}: ${JSON.stringify(lab.lab.list('replica').map(({ context }) => context.problem))})`,
          () => nodeOf(lab) === target && volumeOf(lab)?.state === 'ready',
          900_000,
        );
        expect(filesOf(lab).get('page')).toBe(page);
      }
    },
  );
});
