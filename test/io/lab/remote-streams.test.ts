/**
 * Streams for replicas over links that break: cut anywhere, changed on their way, asked for by whom they are not for.
 * Both ends are simulated pools; whatever happens, the replica holds one snapshot of its volume, whole.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { workOf } from '#actors/registry.ts';
import { idOf, streamOf, type Principal } from '#events/envelope.ts';
import { replicaSource } from '#io/agent/replica-source.ts';
import type { Ports, Run } from '#io/agent/worker.ts';
import { failureOf, workerOf } from '#io/agent/workers.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { asIoError } from '#io/devices/error.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { simReplication } from '#io/devices/replication/sim/backend.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import { remoteStreams } from '#io/lab/remote-streams.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { MemoryOthers } from './memory-others.ts';

const never = new AbortController().signal;
const run = {
  ...{ signal: never, timeoutMs: 10_000, progress: () => {}, fence: () => {} },
  afterwards: (tail: Parameters<Run['afterwards']>[0]) => void tail(never).catch(() => undefined),
} as unknown as Run;

type Driver = 'btrfs' | 'zfs';
type Tampering = (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

function makeNodes(driver: Driver) {
  const lab = new TestLab('streams');
  lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
  const network = new Map<string, MemoryOthers>();
  const nodes = new Map(
    ['atlas', 'vega', 'rigel'].map((name, n) => {
      lab.join(name, 0, [{ name: 'main', driver, sizeBytes: 2 ** 40 }]);
      const random = seededRandom(n + 1);
      const volumes = simVolumes({
        ...{ clock: realClock, random, latencyMs: () => 0 },
        pools: [{ name: 'main', driver, sizeBytes: 2 ** 40, mountpoint: `/${name}` }],
      });
      const replication = simReplication({ clock: realClock, random, volumes, latencyMs: () => 0 });
      const others = new MemoryOthers(name, network, () => false);
      const own = replicaSource(lab.lab, (node) => (idOf(node) === name ? replication : undefined), realClock);
      const sources = remoteStreams({ local: own, lab: lab.lab, others, clock: realClock });
      const ports = { volumes: replication.guard(volumes), replication, sources } as unknown as Ports;
      return [name, { volumes, others, ports }] as const;
    }),
  );
  const node = (name: string) => {
    const found = nodes.get(name);
    if (!found) throw new Error(`there is no ${name}`);
    return found;
  };
  let tampering: Tampering = (pieces) => pieces;
  node('atlas').others.tamper('replica/stream', (pieces) => tampering(pieces));

  /** One piece of work of each that asks for some. @returns the code of what failed */
  async function settle(): Promise<string | undefined> {
    let failed: string | undefined;
    for (let rounds = 0; rounds < 10; rounds++) {
      const [order] = (['volume', 'snapshot', 'replica'] as const)
        .flatMap((kind) => lab.lab.list(kind))
        .flatMap((actor) => workOf(actor, lab.lab) ?? []);
      if (!order) return failed;
      let outcome;
      try {
        outcome = await workerOf(order)(node(idOf(order.node)).ports, run);
      } catch (thrown) {
        const error = asIoError(thrown, order.work, order.subject);
        failed = error.code;
        outcome = failureOf(order, error);
        if (!outcome) throw error;
      }
      lab.must(outcome.name, outcome.input as never, order.node as Principal);
    }
    throw new Error('it does not come to rest');
  }

  const replica = () => {
    const [found] = lab.lab.list('replica');
    if (!found) throw new Error('there is no replica');
    return found;
  };
  return {
    lab,
    node,
    settle,
    replica,
    tamper: (how: Tampering) => (tampering = how),
    files: () => node('atlas').volumes.filesAt(lab.lab.get(lab.volume('data'))?.context.path ?? '') ?? new Map(),
    held: () => {
      const { pool, dataset } = replica().context;
      return node('vega').volumes.inside.get(pool)?.replicas.get(dataset);
    },
    async begin(): Promise<void> {
      lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 26 } });
      lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
      await settle();
    },
    async snapshot(name: string): Promise<void> {
      lab.now += 60_000;
      lab.must('take-snapshot', { name: 'data', as: name });
      await settle();
    },
    async sync(): Promise<string | undefined> {
      lab.must('sync-replica', { name: replica().context.metadata.name });
      return settle();
    },
  };
}

/** The stream ends after so many bytes: as if it were whole, or with an error. */
const cutAfter = (bytes: number, isSilent: boolean): Tampering =>
  async function* (pieces) {
    let left = bytes;
    for await (const piece of pieces) {
      if (left < piece.length) {
        if (left > 0) yield piece.subarray(0, left);
        if (isSilent) return;
        throw Object.assign(new Error('the link is gone'), { code: 'LINK_LOST' });
      }
      left -= piece.length;
      yield piece;
    }
  };

const changedAt = (at: number): Tampering =>
  async function* (pieces) {
    let seen = 0;
    for await (const piece of pieces) {
      const copy = Buffer.from(piece);
      const index = at - seen;
      if (index >= 0 && index < copy.length) copy[index] = (copy[index] ?? 0) ^ 0x5a;
      seen += copy.length;
      yield copy;
    }
  };

const tamperings = fc.oneof(
  fc.record({ do: fc.constant('cut' as const), at: fc.nat(2000), isSilent: fc.boolean() }),
  fc.record({ do: fc.constant('change' as const), at: fc.nat(2000) }),
);

describe.each(['btrfs', 'zfs'] as const)('streams between nodes on %s', (driver) => {
  test('may be cut and changed a hundred times: the replica is one snapshot, and arrives when they hold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(tamperings, { minLength: 20, maxLength: 25 }),
        fc.boolean(),
        async (faults, compress) => {
          const nodes = makeNodes(driver);
          await nodes.begin();
          if (compress) nodes.lab.must('change-volume', { name: 'data', replicas: { compress } });
          nodes.files().set('page', 'begin').set('large', 'x'.repeat(700));
          await nodes.snapshot('first');
          nodes.lab.must('create-replica', { name: 'data', node: 'vega' });
          const taken = new Map([[nodes.lab.lab.list('snapshot')[0]?.context.guid ?? '', new Map(nodes.files())]]);
          for (const [n, fault] of faults.entries()) {
            nodes.tamper(fault.do === 'cut' ? cutAfter(fault.at, fault.isSilent) : changedAt(fault.at));
            if (n % 3 === 2) {
              nodes.files().set(`page-${n % 5}`, 'y'.repeat(n * 40));
              await nodes.snapshot(`number-${n}`);
              const newest = nodes.lab.lab
                .list('snapshot')
                .find(({ context }) => context.metadata.name === `number-${n}`);
              taken.set(newest?.context.guid ?? '', new Map(nodes.files()));
            }
            const code = await nodes.sync();
            expect([undefined, 'TRUNCATED', 'FAILED', 'ENGINE_UNREACHABLE', 'INVALID', 'TOKEN_DEAD']).toContain(code);
            const held = nodes.held();
            const newest = held?.snapshots.at(-1);
            if (held) expect(held.tree.files).toEqual(taken.get(newest?.info.guid ?? ''));
            if (nodes.replica().state === 'failed') nodes.lab.must('sync-replica', { name: 'data-on-vega' });
          }
          nodes.tamper((pieces) => pieces);
          await nodes.settle();
          expect(await nodes.sync()).toBeUndefined();
          expect(nodes.held()?.tree.files).toEqual(nodes.files());
          expect(nodes.replica().context.failures).toBe(0);
        },
      ),
      { numRuns: 3 },
    );
  });

  test('go to the node of the replica alone, and are of its volume alone', async () => {
    const nodes = makeNodes(driver);
    await nodes.begin();
    await nodes.snapshot('first');
    nodes.lab.must('create-replica', { name: 'data', node: 'vega' });
    const id = idOf(nodes.replica().stream);
    const guid = nodes.lab.lab.list('snapshot')[0]?.context.guid ?? '';
    const wish = { to: guid, format: driver, fractions: false, compressed: false, squeeze: false };
    const read = async (who: string, params: object) => {
      for await (const _ of nodes.node(who).others.read('atlas', 'replica/stream', params, never));
    };
    await expect(read('rigel', { replica: id, ...wish })).rejects.toMatchObject({ code: 'PERMISSION' });
    await expect(read('vega', { replica: 'unknown', ...wish })).rejects.toMatchObject({ code: 'BUSY' });
    await expect(read('vega', { replica: id, ...wish, to: '1234' })).rejects.toMatchObject({ code: 'MISSING' });
    await expect(read('vega', { replica: '../x', ...wish })).rejects.toBeDefined();
    await expect(
      nodes.node('rigel').others.ask('atlas', 'replica/confirm', { replica: id, guid: null }, never),
    ).rejects.toMatchObject({ code: 'PERMISSION' });
    await read('vega', { replica: id, ...wish });
    const held = await nodes.node('atlas').ports.replication.bases(
      {
        pool: 'main',
        name: nodes.lab.lab.get(streamOf('volume', idOf(nodes.lab.volume('data'))))?.context.dataset ?? '',
      },
      run,
    );
    expect(held?.all.map(({ peers }) => peers)).toEqual([[id]]);
  });
});
