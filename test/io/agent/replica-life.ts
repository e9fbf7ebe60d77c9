/**
 * The life of a replica in a simulated lab: atlas and rigel are on btrfs, vega and deneb on zfs, polaris has plain folders. Between
 * unlike ones volumes are kept file by file. The oracle looks at simulated bytes: a replica is always one snapshot of its volume, whole.
 */
import { describe, expect, test } from 'vitest';
import type { ActorState } from '#actors/actor.ts';
import type { SimMachine } from '#io/world/host.ts';
import { OneMachine } from './one-machine.ts';

const spec = { sizeBytes: 2 ** 26 };
/** What the replica is on, and between whom. */
export const pairs = {
  btrfs: ['atlas', 'rigel'],
  zfs: ['vega', 'deneb'],
  'zfs, of a volume on btrfs': ['atlas', 'vega'],
  'plain folders, of a volume on zfs': ['vega', 'polaris'],
  'btrfs, of a volume in a plain folder': ['polaris', 'rigel'],
} as const;

interface Pair {
  readonly lab: OneMachine;
  readonly here: SimMachine;
  readonly there: SimMachine;
  readonly volume: () => ActorState<'volume'> | undefined;
  readonly replica: () => ActorState<'replica'> | undefined;
  readonly files: () => Map<string, string>;
}

const machine = (lab: OneMachine, name: string): SimMachine => {
  const found = lab.world.machines.find((one) => one.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
};

async function withVolume(from: string, to: string, seed = 1): Promise<Pair> {
  const lab = await OneMachine.started(seed, 5);
  await lab.must('label-node', { name: from, labels: { place: 'here' } });
  await lab.must('create-volume', { name: 'data', spec: { ...spec, constraints: { labels: { place: 'here' } } } });
  const volume = () => lab.lab.byName('volume', 'default', 'data');
  await lab.until('the volume is ready', () => volume()?.state === 'ready');
  const [here, there] = [machine(lab, from), machine(lab, to)];
  const replica = () => lab.lab.byName('replica', 'default', `data-on-${to}`);
  const files = () => here.volumes.filesAt(volume()?.context.path ?? '') ?? new Map<string, string>();
  return { lab, here, there, volume, replica, files };
}

/** What a machine has of the replica: the content, and that of each snapshot. */
function held({ there, replica }: Pair) {
  const { pool, dataset } = replica()?.context ?? { pool: '', dataset: '' };
  const inside = there.volumes.inside.get(pool);
  const native = inside?.replicas.get(dataset);
  if (native) return { files: new Map(native.tree.files), snapshots: native.snapshots };
  // What is kept file by file may have been left half changed: what counts is its newest snapshot.
  const found = inside?.datasets.get(dataset);
  const snapshots = found?.snapshots.filter(({ info }) => !info.name.startsWith('given-up-')) ?? [];
  const newest = snapshots.at(-1);
  return newest && { files: new Map(newest.files), snapshots };
}

/** @returns what is wrong: the replica is not one of the snapshots that the volume has or had */
function wrong(pair: Pair, taken: ReadonlyMap<string, ReadonlyMap<string, string>>): string | undefined {
  const found = held(pair);
  if (!found) return undefined;
  const newest = found.snapshots.at(-1);
  const original = newest && taken.get(newest.info.name);
  if (!newest || !original) return 'it holds something that never was';
  const text = (files: ReadonlyMap<string, string>) =>
    JSON.stringify([...files].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  if (text(found.files) !== text(newest.files)) return 'its content is not its newest snapshot';
  return text(original) === text(newest.files) ? undefined : 'its newest snapshot is not what its volume had';
}

/** Every snapshot of the volume by its name, which no other one gets, as it is when it is taken. */
function remember({ here, volume }: Pair, taken: Map<string, ReadonlyMap<string, string>>): void {
  const { pool = '', dataset = '' } = volume()?.context ?? {};
  const found = here.volumes.inside.get(pool ?? '')?.datasets.get(dataset ?? '');
  for (const { info, files } of found?.snapshots ?? []) taken.set(info.name, new Map(files));
}

const synced = ({ lab, replica }: Pair, name: string): Promise<void> =>
  lab.until(
    `the replica holds ${name} (it is ${JSON.stringify(replica()?.context.problem)})`,
    () => replica()?.state === 'idle' && replica()?.context.cursor?.name === name,
    3_600_000,
  );

export function replicaLife(on: keyof typeof pairs): void {
  const [from, to] = pairs[on];
  describe(`a replica on ${on}`, () => livesOn(from, to));
}

function livesOn(from: string, to: string): void {
  test('is made by command, holds the volume, and follows each new snapshot', async () => {
    const pair = await withVolume(from, to);
    const { lab, files } = pair;
    files().set('page', 'one');
    await lab.must('take-snapshot', { name: 'data', as: 'first' });
    await lab.must('create-replica', { name: 'data', node: to });
    await synced(pair, 'first');
    expect(held(pair)?.files).toEqual(new Map([['page', 'one']]));
    files().set('page', 'two').set('other', 'new');
    await lab.must('take-snapshot', { name: 'data', as: 'second' });
    await synced(pair, 'second');
    expect(held(pair)?.files).toEqual(
      new Map([
        ['page', 'two'],
        ['other', 'new'],
      ]),
    );
    expect(held(pair)?.snapshots.map(({ info }) => info.name)).toEqual(['first', 'second']);
  });

  test('goes on where it was although the daemon is killed again and again, and is one snapshot of its volume always', async () => {
    for (const stepMs of [11, 61]) {
      const pair = await withVolume(from, to, stepMs);
      const { lab, files, volume, replica } = pair;
      const taken = new Map<string, ReadonlyMap<string, string>>();
      await lab.must('create-replica', { name: 'data', node: to });
      for (let n = 0; n < 3; n++) {
        files()
          .set(`page-${n}`, `${n} of ${stepMs}`)
          .set('all', 'x'.repeat(n * 1000));
        await lab.must('take-snapshot', { name: 'data', as: `number-${n}` });
        for (let kills = 0; kills < 3; kills++) {
          await lab.clock.run(stepMs * (kills + 1));
          remember(pair, taken);
          expect(wrong(pair, taken)).toBeUndefined();
          await lab.restart(50);
        }
      }
      await lab.until(
        'the last one is taken',
        () =>
          volume() !== undefined &&
          lab.lab.referrers(volume()?.stream ?? 'volume:', 'snapshot').every(({ state }) => state === 'available'),
      );
      remember(pair, taken);
      await synced(pair, 'number-2');
      expect(wrong(pair, taken)).toBeUndefined();
      expect(held(pair)?.files).toEqual(files());
      expect(replica()?.context.failures).toBe(0);
    }
  });

  test('stands on its snapshot: neither retention nor a person takes that away, and an older one goes at both ends', async () => {
    const pair = await withVolume(from, to);
    const { lab, here, volume } = pair;
    for (const name of ['one', 'two', 'three']) {
      await lab.must('take-snapshot', { name: 'data', as: name });
      if (name === 'one') await lab.must('create-replica', { name: 'data', node: to });
      await synced(pair, name);
    }
    await expect(lab.must('remove-snapshot', { name: 'data', snapshot: 'three' })).rejects.toThrow(
      `on ${to} stands on`,
    );
    await lab.must('remove-snapshot', { name: 'data', snapshot: 'one' });
    const { pool, dataset } = volume()?.context ?? {};
    const names = () =>
      here.volumes.inside
        .get(pool ?? '')
        ?.datasets.get(dataset ?? '')
        ?.snapshots.map(({ info }) => info.name);
    await lab.until('it is gone', () => names()?.includes('one') === false);
    await lab.must('take-snapshot', { name: 'data', as: 'four' });
    await synced(pair, 'four');
    expect(held(pair)?.snapshots.map(({ info }) => info.name)).toEqual(['two', 'three', 'four']);
  });

  test('follows a roll-back, and what its volume left stays for a while as a deleted volume', async () => {
    const pair = await withVolume(from, to);
    const { lab, files, there, replica } = pair;
    files().set('page', 'good');
    await lab.must('take-snapshot', { name: 'data', as: 'good' });
    await lab.must('create-replica', { name: 'data', node: to });
    await synced(pair, 'good');
    files().set('page', 'bad');
    await lab.must('take-snapshot', { name: 'data', as: 'bad' });
    await synced(pair, 'bad');
    await lab.must('rollback-volume', { name: 'data', snapshot: 'good', pastNewer: true });
    await lab.until('it is back', () => replica()?.context.cursor?.name === 'good' && replica()?.state === 'idle');
    files().set('page', 'better');
    await lab.must('take-snapshot', { name: 'data', as: 'better' });
    await synced(pair, 'better');
    expect(held(pair)?.files).toEqual(new Map([['page', 'better']]));
    const aside = lab.lab.byName('volume', 'default', 'data-diverged');
    expect(aside?.state).toBe('discarded');
    expect(there.volumes.filesAt(aside?.context.path ?? '')).toEqual(new Map([['page', 'bad']]));
  });

  test('that holds what its volume does not have is left as it is until somebody says what becomes of that', async () => {
    const pair = await withVolume(from, to);
    const { lab, here, files, volume, replica } = pair;
    files().set('page', 'one');
    await lab.must('take-snapshot', { name: 'data', as: 'one' });
    await lab.must('create-replica', { name: 'data', node: to });
    await synced(pair, 'one');
    // By hand, at the volume's end: the snapshot that both have is destroyed.
    const { pool, dataset } = volume()?.context ?? {};
    const found = here.volumes.inside.get(pool ?? '')?.datasets.get(dataset ?? '');
    if (found) found.snapshots = [];
    await lab.must('take-snapshot', { name: 'data', as: 'two' });
    if (to !== 'deneb') {
      await lab.until('it is failed', () => replica()?.state === 'failed');
      expect(replica()?.context.problem?.code).toBe('DIVERGED');
      expect(held(pair)?.files).toEqual(new Map([['page', 'one']]));
      await lab.must('resync-replica', { name: `data-on-${to}`, keep: true });
      const kept = () => lab.lab.byName('volume', 'default', 'data-diverged');
      await lab.until('it was put aside', () => kept()?.state === 'discarded');
      expect(pair.there.volumes.filesAt(kept()?.context.path ?? '')).toEqual(new Map([['page', 'one']]));
    }
    // On zfs a bookmark is left, which is enough to go on from.
    await synced(pair, 'two');
    expect(held(pair)?.files).toEqual(new Map([['page', 'one']]));
  });

  test('goes with its volume, and whatever was protected for it goes too', async () => {
    const pair = await withVolume(from, to);
    const { lab, here, there, volume, replica } = pair;
    await lab.must('create-replica', { name: 'data', node: to });
    await lab.until('it holds something', () => replica()?.context.cursor !== null && replica()?.state === 'idle');
    await lab.must('delete-volume', { name: 'data', purge: true });
    await lab.until('both are gone', () => volume() === undefined && replica() === undefined);
    for (const one of [here, there]) {
      expect(
        [...one.volumes.inside.values()].flatMap(({ datasets, replicas }) => [...datasets.keys(), ...replicas.keys()]),
      ).toEqual([]);
    }
  });
}
