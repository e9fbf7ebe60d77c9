/**
 * Replicas with the real decisions, the real workers and real file systems: two nodes of one lab, in one process, with
 * links between them that can be cut. Whoever runs it compares every file at both ends.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { handoverPolicy } from '#actors/policies/handover.ts';
import { workOf } from '#actors/registry.ts';
import { idOf, streamOf, type Principal } from '#events/envelope.ts';
import { replicaSource } from '#io/agent/replica-source.ts';
import type { Ports, Run } from '#io/agent/worker.ts';
import { failureOf, workerOf } from '#io/agent/workers.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { asIoError } from '#io/devices/error.ts';
import { remoteStreams } from '#io/lab/remote-streams.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import type { ReplicationUnderTest, SideUnderTest } from '#test/contracts/replication.ts';
import { MemoryOthers } from '#test/io/lab/memory-others.ts';

const { signal } = new AbortController();
const tails: ((signal: AbortSignal) => Promise<void>)[] = [];
const run = {
  signal,
  timeoutMs: 120_000,
  progress: () => {},
  fence: () => {},
  caughtUp: async () => {},
  afterwards: (tail: (typeof tails)[number]) => tails.push(tail),
} as unknown as Run;

/** Each file below a folder, with the hash of what is in it. */
async function sums(folder: string, below = ''): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) found.push(...(await sums(folder, path)));
    else
      found.push(
        `${path} ${createHash('sha256')
          .update(await readFile(join(folder, path)))
          .digest('hex')}`,
      );
  }
  return found.toSorted();
}

export function replicaStory(driver: 'btrfs' | 'zfs', setup: () => Promise<ReplicationUnderTest>): void {
  let bench: ReplicationUnderTest;
  const lab = new TestLab('story');
  const cuts = new Set<string>();
  let live = '';
  /** Its files can be seen from here; else through the hands of the machine that it is on. */
  const isHere = driver === 'btrfs';
  const write = (file: string, text: string) => bench.here.writeAt(live, file, text);
  let portsOf: Readonly<Record<string, Ports>> = {};

  beforeAll(async () => {
    bench = await setup();
    lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
    const network = new Map<string, MemoryOthers>();
    const sides = { atlas: bench.here, vega: bench.there };
    portsOf = Object.fromEntries(
      Object.entries(sides).map(([name, { pool, volumes, replication }]) => {
        lab.join(name, 0, [{ name: pool, driver, sizeBytes: 2 ** 40 }]);
        const others = new MemoryOthers(name, network, (from, to) => cuts.has(`${from}>${to}`));
        const own = replicaSource(lab.lab, (node) => (idOf(node) === name ? replication : undefined), realClock);
        const sources = remoteStreams({ local: own, lab: lab.lab, others, clock: realClock });
        return [name, { volumes, replication, sources } as unknown as Ports];
      }),
    );
  });
  afterAll(() => bench.dispose());

  /** What the agents of both nodes do, until nothing is asked of them any more. @returns codes of what failed */
  async function settle(): Promise<readonly string[]> {
    const failed: string[] = [];
    for (let rounds = 0; rounds < 20; rounds++) {
      const orders = (['volume', 'snapshot', 'replica'] as const)
        .flatMap((kind) => lab.lab.list(kind))
        .flatMap((actor) => workOf(actor, lab.lab) ?? []);
      const [order] = orders;
      if (!order) return failed;
      const ports = portsOf[idOf(order.node)];
      if (!ports) throw new Error(`nobody is ${order.node}`);
      lab.now += 1000;
      let outcome;
      try {
        outcome = await workerOf(order)(ports, run);
        await Promise.allSettled(tails.splice(0).map((tail) => tail(signal)));
      } catch (thrown) {
        const error = asIoError(thrown, order.work, order.subject);
        failed.push(error.code);
        outcome = failureOf(order, error);
        if (!outcome) throw error;
      }
      lab.must(outcome.name, outcome.input as never, order.node as Principal);
    }
    throw new Error('it does not come to rest');
  }

  const replica = () => lab.lab.list('replica')[0];
  const snapshot = async (name: string): Promise<void> => {
    lab.now += 60_000;
    lab.must('take-snapshot', { name: 'data', as: name });
    await settle();
  };
  const sync = async (): Promise<readonly string[]> => {
    lab.must('sync-replica', { name: replica()?.context.metadata.name ?? '' });
    return settle();
  };

  test('a replica is made, and follows what is written, changed and removed', async () => {
    const { pool } = bench.here;
    lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 26 } });
    lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool }, 'policy:placement');
    await settle();
    live = lab.lab.get(lab.volume('data'))?.context.path ?? '';
    await write('one', 'x'.repeat(300_000));
    await write('gone', 'soon');
    if (isHere) await mkdir(join(live, 'album'));
    if (isHere) await write('album/zero', '0');
    await snapshot('first');
    lab.must('create-replica', { name: 'data', node: 'vega' });
    expect(await sync()).toEqual([]);
    expect(replica()?.context.cursor?.name).toBe('first');
    await write('two', 'y'.repeat(500_000));
    await write('gone', 'not yet');
    if (isHere) await rm(join(live, 'gone'));
    lab.must('change-volume', { name: 'data', replicas: { compress: true, limitBytesPerSecond: 2 ** 30 } });
    await settle();
    await snapshot('second');
    expect(await sync()).toEqual([]);
    expect(replica()?.context.cursor?.name).toBe('second');
  });

  test('a link that is cut leaves it as it was, and the next attempt arrives', async () => {
    await write('three', 'z'.repeat(200_000));
    await snapshot('third');
    cuts.add('vega>atlas');
    const before = await bench.there.replication.bases(where(), run);
    lab.must('sync-replica', { name: replica()?.context.metadata.name ?? '' });
    await expect(settle()).resolves.toEqual(['ENGINE_UNREACHABLE']);
    expect(replica()?.context.problem?.code).toBe('ENGINE_UNREACHABLE');
    expect((await bench.there.replication.bases(where(), run))?.newest).toBe(before?.newest);
    cuts.clear();
    expect(await sync()).toEqual([]);
    expect(replica()?.context.cursor?.name).toBe('third');
  });

  test('what it stands on is protected, and what the lab removes goes at both ends', async () => {
    lab.must('remove-snapshot', { name: 'data', snapshot: 'first' });
    lab.must('remove-snapshot', { name: 'data', snapshot: 'second' });
    await settle();
    await snapshot('fourth');
    expect(await sync()).toEqual([]);
    const names = async (side: 'here' | 'there') => {
      const of = side === 'here' ? { pool: bench.here.pool, name: dataset() } : where();
      const found = await bench[side].replication.bases(of, run);
      return found?.all.filter(({ kind }) => kind === 'snapshot').map(({ name }) => name);
    };
    expect(await names('here')).toEqual(['third', 'fourth']);
    expect(await names('there')).toEqual(['third', 'fourth']);
  });

  /** What the policy of hand-overs and the agents of both nodes do, until the volume is there. */
  async function moved(to: string): Promise<void> {
    const volume = () => lab.lab.get(lab.volume('data'));
    for (let n = 0; n < 20 && (n === 0 || volume()?.context.handover); n++) {
      const [proposal] = handoverPolicy.propose(lab.volume('data'), lab.lab, { get: () => undefined }, lab.now);
      if (proposal) lab.must(proposal.name, proposal.input as never, 'policy:handover');
      expect(await settle()).toEqual([]);
    }
    expect(volume()).toMatchObject({ state: 'ready', context: { node: `node:${to}`, handover: null } });
    live = volume()?.context.path ?? '';
  }

  test('a volume moves to the other node with its snapshots, can be written there only, and comes back', async () => {
    const names = ['one', 'two', 'three', 'gone', 'album/zero'];
    const contents = async (side: SideUnderTest) =>
      isHere ? sums(live) : Promise.all(names.map(async (name) => `${name} ${await side.readAt(live, name)}`));
    const snapshots = () =>
      lab.lab
        .referrers(lab.volume('data'), 'snapshot')
        .map(({ context }) => context.metadata.name)
        .filter((name) => ['third', 'fourth'].includes(name));
    const roles = async () => {
      const of = lab.lab.get(lab.volume('data'))?.context;
      const ends = [
        { pool: of?.pool ?? '', name: of?.dataset ?? '', at: of?.node },
        { pool: replica()?.context.pool ?? '', name: replica()?.context.dataset ?? '', at: replica()?.context.node },
      ];
      return Promise.all(
        ends.map(async ({ at, ...end }) => (await portsOf[idOf(at ?? 'node:')]?.replication.bases(end, run))?.role),
      );
    };
    const before = await contents(bench.here);
    lab.must('move-volume', { name: 'data', node: 'vega' });
    await moved('vega');
    expect(await contents(bench.there)).toEqual(before);
    expect([snapshots(), await roles()]).toEqual([
      ['third', 'fourth'],
      ['volume', 'replica'],
    ]);
    await bench.there.writeAt(live, 'written-there', 'yes');
    await snapshot('fifth');
    expect(await sync()).toEqual([]);
    expect(replica()?.context).toMatchObject({ node: 'node:atlas', cursor: { name: 'fifth' } });
    await bench.there.writeAt(live, 'last', 'words');
    lab.must('move-volume', { name: 'data', node: 'atlas' });
    await moved('atlas');
    expect(await bench.here.readAt(live, 'last')).toBe('words');
    expect(await bench.here.readAt(live, 'written-there')).toBe('yes');
    expect(await roles()).toEqual(['volume', 'replica']);
  });

  test('a move that is given up when the volume is demoted already leaves one that can be written, and whose replica follows', async () => {
    lab.must('move-volume', { name: 'data', node: 'vega' });
    const volume = () => lab.lab.get(lab.volume('data'));
    for (let n = 0; n < 20 && volume()?.state !== 'sending'; n++) {
      const [proposal] = handoverPolicy.propose(lab.volume('data'), lab.lab, { get: () => undefined }, lab.now);
      if (proposal) lab.must(proposal.name, proposal.input as never, 'policy:handover');
      await settle();
    }
    lab.must('cancel-move', { name: 'data' });
    expect(await settle()).toEqual([]);
    expect(volume()?.state).toBe('ready');
    await write('after', 'the cancel');
    await snapshot('sixth');
    expect(await sync()).toEqual([]);
    expect(replica()?.context.cursor?.name).toBe('sixth');
  });

  test('every file of it is that of the volume', async () => {
    const names = ['one', 'two', 'three', 'gone', 'album/zero'];
    const at = async (side: SideUnderTest, folder: string) =>
      isHere ? sums(folder) : Promise.all(names.map(async (name) => `${name} ${await side.readAt(folder, name)}`));
    const expected = await at(bench.here, live);
    const { epoch } = (await bench.there.replication.bases(where(), run)) ?? {};
    await bench.there.replication.promote(where(), epoch ?? { generation: 1, index: 1 }, { sizeBytes: 2 ** 26 }, run);
    const path = (await bench.there.volumes.inspect(where(), run))?.path ?? '';
    expect(await at(bench.there, path)).toEqual(expected);
    expect(expected.length).toBeGreaterThan(3);
  });

  const dataset = (): string => lab.lab.get(streamOf('volume', idOf(lab.volume('data'))))?.context.dataset ?? '';
  const where = () => ({ pool: bench.there.pool, name: replica()?.context.dataset ?? '' });
}
