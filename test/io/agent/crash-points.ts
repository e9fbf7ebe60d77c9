/**
 * Daemons that die at every point of replication: in each combination of states that a story comes through they are
 * killed once, so many milliseconds after it was entered. A step of a simulated device takes one to five, so that the
 * offsets of a range fall on every await of it. After every millisecond the oracle looks at simulated bytes: never two
 * datasets of a volume that could be written, and a replica is always one snapshot of its volume, whole.
 */
import { expect } from 'vitest';
import type { SimMachine } from '#io/world/host.ts';
import { OneMachine } from './one-machine.ts';

const compose = `name: photos
services:
  web: { image: nginx, volumes: ["data:/data"] }
volumes: { data: {} }
x-floatlab: { size: 64MiB }
`;
const volumeName = 'photos-data';
/** The machine whose first pool is of the same kind. */
const partner: Readonly<Record<string, string>> = { atlas: 'rigel', rigel: 'atlas', vega: 'deneb', deneb: 'vega' };

const text = (files: ReadonlyMap<string, string>): string =>
  JSON.stringify([...files].toSorted(([a], [b]) => (a < b ? -1 : 1)));

class CrashPoints {
  readonly lab: OneMachine;
  readonly from: string;
  readonly to: string;
  /** Content of every snapshot that ever was a volume's, by guid. */
  readonly #taken = new Map<string, string>();

  private constructor(lab: OneMachine) {
    this.lab = lab;
    this.from = this.node;
    this.to = partner[this.from] ?? 'none';
  }

  static async withApp(seed = 1): Promise<CrashPoints> {
    const lab = await OneMachine.started(seed, 5);
    await lab.must('deploy-app', { compose });
    await lab.untilApp('photos', 'running');
    const points = new CrashPoints(lab);
    points.files.set('page', 'one');
    return points;
  }

  get volume() {
    return this.lab.lab.byName('volume', 'default', volumeName);
  }
  get replica() {
    return this.lab.lab.list('replica')[0];
  }
  get node(): string {
    return this.lab.lab.get(this.volume?.context.node ?? 'node:')?.context.metadata.name ?? '';
  }
  get files(): Map<string, string> {
    const machine = this.lab.world.machines.find(({ name }) => name === this.node);
    return machine?.volumes.filesAt(this.volume?.context.path ?? '') ?? new Map<string, string>();
  }

  /** Machines on which a dataset of the volume could be written. */
  get writable(): readonly string[] {
    const known = new Set([this.volume?.context.dataset, ...this.#replicas()]);
    return this.#pools().flatMap(({ machine, pool }) =>
      [...pool.datasets.keys()].filter((dataset) => known.has(dataset)).map(() => machine.name),
    );
  }

  /** What the app has written while it could: none of it may be lost. @returns whether it could */
  write(value: string): boolean {
    const canWrite = this.lab.app('photos')?.state === 'running' && this.volume?.state === 'ready';
    if (canWrite) this.files.set('last', value);
    return canWrite;
  }

  check(): void {
    this.#remember();
    expect(this.writable.length).toBeLessThanOrEqual(1);
    const known = new Set(this.#replicas());
    for (const { pool } of this.#pools())
      for (const [name, { tree, snapshots }] of pool.replicas) {
        if (!known.has(name)) continue;
        const newest = snapshots.at(-1);
        const taken = newest && this.#taken.get(newest.info.guid);
        expect([name, taken]).toEqual([name, newest && text(newest.files)]);
        expect([name, text(tree.files)]).toEqual([name, newest && text(newest.files)]);
      }
  }

  async run(ms: number): Promise<void> {
    for (let n = 0; n < ms; n++) {
      await this.lab.clock.run(1);
      this.check();
    }
  }

  /** Until it is so, with one death in each combination of states, `offsetMs` after that was entered. */
  async dying(offsetMs: number, isDone: () => boolean): Promise<number> {
    const died = new Set<string>();
    for (let n = 0; n < 200_000 && !isDone(); n++) {
      const states = `${this.volume?.state} ${this.replica?.state} ${this.lab.app('photos')?.state}`;
      if (died.has(states)) {
        await this.run(1);
        continue;
      }
      died.add(states);
      await this.run(offsetMs);
      await this.lab.restart(5);
    }
    expect(
      isDone(),
      `${this.volume?.state} ${this.replica?.state} ${JSON.stringify(this.replica?.context.problem)}`,
    ).toBe(true);
    return died.size;
  }

  #replicas(): readonly string[] {
    return this.lab.lab.list('replica').map(({ context }) => context.dataset);
  }

  #pools() {
    return this.lab.world.machines.flatMap((machine: SimMachine) =>
      [...machine.volumes.inside.values()].map((pool) => ({ machine, pool })),
    );
  }

  /** Those of what is, or was until a moment ago, the volume. */
  #remember(): void {
    for (const { pool, machine } of this.#pools()) {
      const former = machine.name === this.node ? pool.replicas.get(this.volume?.context.dataset ?? '') : undefined;
      for (const { snapshots } of [...pool.datasets.values(), ...(former ? [former] : [])])
        for (const { info, files } of snapshots)
          if (!this.#taken.has(info.guid)) this.#taken.set(info.guid, text(files));
    }
  }
}

/** There and back. */
export async function handoverStory(offsetMs: number): Promise<void> {
  const points = await CrashPoints.withApp(offsetMs + 1);
  const { lab, from, to } = points;
  await lab.must('take-snapshot', { name: volumeName, as: 'monday' });
  await points.run(50);
  for (const [target, keepsReplica] of [
    [to, true],
    [from, false],
  ] as const) {
    await lab.must('move-volume', { name: volumeName, node: target, replica: keepsReplica });
    expect(points.write(`to ${target}`)).toBe(true);
    const arrived = () =>
      points.node === target && points.volume?.state === 'ready' && lab.app('photos')?.state === 'running';
    expect(await points.dying(offsetMs, arrived)).toBeGreaterThan(1);
    expect(points.files).toEqual(
      new Map([
        ['page', 'one'],
        ['last', `to ${target}`],
      ]),
    );
    expect(points.writable).toEqual([target]);
  }
  await points.dying(offsetMs, () => points.replica === undefined);
  expect(points.writable).toEqual([from]);
}

/** Given up when the replica is sealed already, and asked for again. */
export async function canceledStory(offsetMs: number): Promise<void> {
  const points = await CrashPoints.withApp(offsetMs + 1);
  const { lab, from, to } = points;
  await lab.must('move-volume', { name: volumeName, node: to });
  expect(points.write('before')).toBe(true);
  await lab.until('it is sealing', () => points.volume?.state === 'sealing');
  await lab.must('cancel-move', { name: volumeName });
  const isBack = () => points.volume?.state === 'ready' && lab.app('photos')?.state === 'running';
  await points.dying(offsetMs, isBack);
  expect([points.node, points.files.get('last')]).toEqual([from, 'before']);
  points.write('after');
  await lab.must('move-volume', { name: volumeName, node: to });
  await points.dying(offsetMs, () => points.node === to && isBack());
  expect(points.files.get('last')).toBe('after');
}

/** A replica is made, follows, goes back with its volume, and goes. */
export async function replicaStory(offsetMs: number): Promise<void> {
  const points = await CrashPoints.withApp(offsetMs + 1);
  const { lab, to } = points;
  const holds = (name: string) => () =>
    points.replica?.state === 'idle' && points.replica.context.cursor?.name === name;
  const snapshot = async (name: string): Promise<void> => {
    points.write(name);
    await lab.must('take-snapshot', { name: volumeName, as: name });
    if (!points.replica) await lab.must('create-replica', { name: volumeName, node: to });
    await points.dying(offsetMs, holds(name));
  };
  await snapshot('first');
  await snapshot('second');
  await lab.must('rollback-volume', { name: volumeName, snapshot: 'first', pastNewer: true });
  await points.dying(offsetMs, () => holds('first')() && lab.app('photos')?.state === 'running');
  await snapshot('third');
  await lab.must('remove-replica', { name: points.replica?.context.metadata.name ?? '' });
  await points.dying(offsetMs, () => points.replica === undefined);
  const left = lab.world.machines.flatMap(({ volumes }) =>
    [...volumes.inside.values()].flatMap(({ replicas }) => [...replicas.keys()]),
  );
  expect(left).toEqual([]);
  expect(points.files.get('last')).toBe('third');
}
