/**
 * A lab whose pools are of all kinds, whose volumes are kept twice elsewhere, while people write, snapshot, remove and
 * roll back, devices fail and the daemon is killed. The oracle looks at simulated bytes, all the time: what a replica
 * holds is a snapshot of its volume, whole; and at the end all of them hold the newest one.
 */
import type { ActorState } from '#actors/actor.ts';
import { IoError } from '#io/devices/error.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { SimMachine } from '#io/world/host.ts';
import { OneMachine } from '#test/io/agent/one-machine.ts';

/** The first machines of each kind. */
const homes = { btrfs: 'atlas', zfs: 'vega', dir: 'polaris' } as const;
const names = Object.keys(homes) as readonly (keyof typeof homes)[];
const rounds = 25;

type Files = ReadonlyMap<string, string>;
const text = (files: Files): string => JSON.stringify([...files].toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** @returns what was wrong; and which pairs of kinds have carried something */
export async function swarmAcross(seed: number): Promise<{ readonly wrong?: string; readonly across: Set<string> }> {
  const random = seededRandom(seed);
  const lab = await OneMachine.started(seed, 6);
  const across = new Set<string>();
  const machineOf = (id: string): SimMachine | undefined => lab.world.machines.find((one) => `node:${one.id}` === id);
  const driverOf = (machine: SimMachine | undefined): string =>
    [...(machine?.volumes.inside.values() ?? [])][0]?.driver ?? '';
  const volumeOf = (name: string) => lab.lab.byName('volume', 'default', name);
  const filesOf = (name: string) => {
    const { node, path } = volumeOf(name)?.context ?? {};
    return machineOf(node ?? '')?.volumes.filesAt(path ?? '');
  };
  /** Every snapshot that a volume ever had, by its name, which is not used twice. */
  const taken = new Map<string, Files>();
  const remember = (): void => {
    for (const name of names) {
      const { node, pool, dataset } = volumeOf(name)?.context ?? {};
      const found = machineOf(node ?? '')
        ?.volumes.inside.get(pool ?? '')
        ?.datasets.get(dataset ?? '');
      for (const { info, files } of found?.snapshots ?? [])
        if (!taken.has(`${name}/${info.name}`)) taken.set(`${name}/${info.name}`, new Map(files));
    }
  };
  const newestOf = (replica: ActorState<'replica'>) => {
    const { node, pool, dataset } = replica.context;
    const inside = machineOf(node)?.volumes.inside.get(pool);
    const found = inside?.replicas.get(dataset) ?? inside?.datasets.get(dataset);
    return found?.snapshots.findLast(({ info }) => !info.name.startsWith('given-up-'));
  };
  const judge = (): string | undefined => {
    remember();
    for (const replica of lab.lab.list('replica')) {
      const newest = newestOf(replica);
      const volume = lab.lab.get(replica.context.volume);
      if (!newest || !volume) continue;
      const original = taken.get(`${volume.context.metadata.name}/${newest.info.name}`);
      const who = `${replica.context.metadata.name} with ${newest.info.name}`;
      if (!original) return `${who}: it holds something that never was`;
      if (text(original) !== text(newest.files)) return `${who}: it is not what its volume had`;
      if (replica.context.cursor?.name === newest.info.name)
        across.add(`${driverOf(machineOf(volume.context.node ?? ''))} to ${driverOf(machineOf(replica.context.node))}`);
    }
    return undefined;
  };

  for (const [name, home] of Object.entries(homes)) {
    await lab.must('label-node', { name: home, labels: { home: name } });
    const constraints = { labels: { home: name } };
    const replicas = { count: 3, on: 'change' as const };
    await lab.must('create-volume', { name, spec: { sizeBytes: 2 ** 26, constraints, replicas } });
  }
  await lab.until('the volumes are ready', () => names.every((name) => volumeOf(name)?.state === 'ready'));

  let count = 0;
  /** What is refused is refused: nobody waits for it. */
  const ask = async (...what: Parameters<OneMachine['must']>): Promise<void> =>
    lab.must(...what).catch((error: unknown) => {
      if (!(error instanceof Error) || !error.message.includes('was refused')) throw error;
    });
  const setFault = (chance: number): void => {
    for (const { volumes } of lab.world.machines)
      volumes.fault = (op, target) =>
        random.chance(chance)
          ? new IoError('FAILED', { op, target, message: `${op} of ${target} failed (simulated)` })
          : undefined;
  };
  for (let round = 0; round < rounds; round++) {
    const name = random.pick(names);
    filesOf(name)?.set(`file-${random.below(3)}`, 'x'.repeat(random.below(3000)));
    if (random.chance(0.2)) filesOf(name)?.delete(`file-${random.below(3)}`);
    const as = `number-${count++}`;
    await ask('take-snapshot', { name, as });
    const old = `number-${random.below(count)}`;
    if (random.chance(0.2)) await ask('remove-snapshot', { name, snapshot: old });
    if (random.chance(0.1)) await ask('rollback-volume', { name, snapshot: old, pastNewer: true });
    const replica = random.pick(lab.lab.list('replica').map(({ context }) => context.metadata.name));
    if (random.chance(0.1)) await ask('remove-replica', { name: replica });
    if (random.chance(0.1)) await ask('cancel-replica', { name: replica });
    setFault(random.chance(0.3) ? 0.05 : 0);
    for (let moments = random.below(20); moments >= 0; moments--) {
      await lab.clock.run(random.pick([7, 300, 2000]));
      const wrong = judge();
      if (wrong !== undefined) return { wrong, across };
    }
    if (random.chance(0.3)) await lab.restart(random.pick([1, 50, 3000]));
  }
  setFault(0);
  for (const name of names) {
    filesOf(name)?.set('last', name);
    await ask('take-snapshot', { name, as: `last-${name}` });
  }
  const isThere = (replica: ActorState<'replica'>): boolean => {
    const newest = newestOf(replica)?.info.name;
    const volume = lab.lab.get(replica.context.volume)?.context.metadata.name;
    return replica.state === 'idle' && newest === `last-${volume}`;
  };
  const all = () => lab.lab.list('replica');
  const isDone = await lab.clock.runUntil(() => all().length === 9 && all().every(isThere), 4 * 3_600_000);
  const wrong = judge();
  if (wrong !== undefined) return { wrong, across };
  if (isDone) return { across };
  const late = all().filter((replica) => !isThere(replica));
  const why = late.map(({ state, context }) => `${context.metadata.name} is ${state}: ${context.problem?.message}`);
  return { wrong: `not all of them hold the newest snapshot: ${why.join('; ')}`, across };
}
