/**
 * Whatever happens to two replicas of one volume: each is equal to some snapshot of its history at any time, and what a
 * receiver has acknowledged is found again. Streams are cut and damaged at any byte, daemons die behind any step, the
 * primary changes with and without its consent.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { simReplication } from '#io/devices/replication/sim/backend.ts';
import type { ReplicationPort } from '#io/devices/replication/port.ts';
import type { Dataset, VolumePort } from '#io/devices/volumes/port.ts';
import { simVolumes, type SimVolumes } from '#io/devices/volumes/sim.ts';
import { patient } from '#test/contracts/volumes.ts';
import { gathered, pieces, plain, spec } from '#test/contracts/replication/bench.ts';
import { selfWindingClock } from '../volumes/self-winding-clock.ts';

type Command =
  | { readonly do: 'write'; readonly text: string }
  | { readonly do: 'snapshot' | 'fail-over' | 'hand-over' | 'catch-up' }
  | { readonly do: 'send'; readonly part: number; readonly damage: number };
/** Behind how many steps the daemon dies that does the command; many: it does not. */
type Planned = Command & { readonly diesAfter: number };

const share = fc.double({ min: 0, max: 1, noNaN: true });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), text: fc.string({ maxLength: 200 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('snapshot' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      part: fc.oneof(fc.constant(1), share),
      damage: fc.oneof({ weight: 3, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: share }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('fail-over' as const, 'hand-over' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('catch-up' as const) }) },
);
const planned: fc.Arbitrary<Planned> = fc
  .tuple(command, fc.oneof({ weight: 2, arbitrary: fc.constant(1000) }, { weight: 1, arbitrary: fc.nat(8) }))
  .map(([one, diesAfter]) => ({ ...one, diesAfter }));

class Crash extends Error {}

interface Node {
  readonly of: Dataset;
  readonly sim: SimVolumes;
  /** A daemon, which dies behind so many steps. */
  start(diesAfter: number): { readonly volumes: VolumePort; readonly replication: ReplicationPort };
}

function node(driver: 'btrfs' | 'zfs', seed: number): Node {
  const clock = selfWindingClock();
  const random = seededRandom(seed);
  const pool = `pool-${seed}`;
  const sim = simVolumes({ clock, random, pools: [{ name: pool, sizeBytes: 2 ** 30, driver }] });
  return {
    of: { pool, name: 'db' },
    sim,
    start(diesAfter) {
      let steps = 0;
      const step = (at: string) => {
        if (steps++ >= diesAfter) throw new Crash(at);
      };
      const replication = simReplication({ clock, random, volumes: sim, step });
      return { replication, volumes: replication.guard(sim) };
    },
  };
}

/** What was ever in a snapshot, by its guid. */
type Contents = Map<string, string>;
const textOf = (files: ReadonlyMap<string, string>): string =>
  JSON.stringify([...files].toSorted(([a], [b]) => (a < b ? -1 : 1)));

async function run(driver: 'btrfs' | 'zfs', commands: readonly Planned[]): Promise<void> {
  const nodes: [Node, Node] = [node(driver, 1), node(driver, 2)];
  const [first] = nodes;
  await first.sim.create(first.of, spec, patient());
  const contents: Contents = new Map();
  /** Guids that a receiver, or a demotion, has answered with, by node; until its history is set aside. */
  const acknowledged = new Map<Node, Set<string>>(nodes.map((one) => [one, new Set()]));
  let primary: Node = first;
  let index = 1;
  let count = 0;

  const other = (): Node => (primary === nodes[0] ? nodes[1] : nodes[0]);
  const datasetsOf = ({ sim }: Node) =>
    [...sim.inside.values()].flatMap(({ datasets, replicas }) => [...datasets.values(), ...replicas.values()]);
  const learn = (): void => {
    for (const one of nodes)
      for (const { snapshots } of datasetsOf(one))
        for (const { info, files } of snapshots) {
          const known = contents.get(info.guid);
          if (known !== undefined) expect(textOf(files)).toBe(known);
          contents.set(info.guid, textOf(files));
        }
  };
  const check = (): void => {
    learn();
    for (const one of nodes) {
      const all = new Set(datasetsOf(one).flatMap(({ snapshots }) => snapshots.map(({ info }) => info.guid)));
      for (const guid of acknowledged.get(one) ?? []) expect(all.has(guid), `${guid} was acknowledged`).toBe(true);
      for (const { replicas, datasets } of one.sim.inside.values()) {
        expect([...replicas.keys()].filter((name) => datasets.has(name))).toEqual([]);
        for (const { tree, snapshots } of replicas.values()) {
          const newest = snapshots.at(-1);
          // A demotion that is not finished has what was written, and no name for it yet.
          if (newest && !isUnfinished) expect(textOf(tree.files)).toBe(textOf(newest.files));
        }
      }
    }
  };
  let isUnfinished = false;
  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      const isCrash = error instanceof Crash || (error instanceof IoError && error.cause instanceof Crash);
      if (!isCrash && !(error instanceof IoError)) throw error;
      isUnfinished = isCrash;
      return false;
    }
  };
  const bases = (one: Node) => one.start(1000).replication.bases(one.of, patient());
  const newestOf = async (one: Node) => {
    const found = await bases(one);
    return found?.all.findLast(({ kind }) => kind === 'snapshot');
  };
  const lineage = 'one';

  for (const now of commands) {
    const from = primary.start(1000);
    const epoch = { generation: 1, index };
    switch (now.do) {
      case 'write':
        primary.sim.files(primary.of).set(`file-${count % 3}`, now.text);
        break;
      case 'snapshot':
        await from.volumes.snapshot(primary.of, `s-${++count}`, patient());
        break;
      case 'send': {
        const to = await newestOf(primary);
        if (!to) break;
        const base = (await bases(other()))?.newest;
        const resume = (await bases(other()))?.resume;
        const target = other();
        await attempt(async () => {
          const goesOn = resume?.to.guid === to.guid;
          const what = goesOn
            ? { resume: resume.token }
            : { ...(base === undefined ? {} : { from: base }), to: to.guid };
          const { bytes, format } = await from.replication.send(primary.of, what, plain, patient());
          const all = await gathered(bytes);
          const cut = Buffer.from(all.subarray(0, Math.ceil(all.length * now.part)));
          const at = Math.floor(now.damage * cut.length);
          if (now.damage >= 0 && at < cut.length) cut[at] = (cut[at] ?? 0) ^ 0x15;
          const wanted = { ...(base === undefined ? {} : { from: base }), to: { name: to.name, guid: to.guid } };
          const incoming = { ...wanted, format, epoch, lineage };
          const got = await target
            .start(now.diesAfter)
            .replication.receive(target.of, incoming, pieces(cut, 50), patient());
          acknowledged.get(target)?.add(got.guid);
        });
        break;
      }
      case 'hand-over':
      case 'fail-over': {
        const next = other();
        if ((await bases(next))?.newest === undefined) break;
        index += 1;
        const higher = { generation: 1, index };
        const isPromoted = await attempt(async () => {
          await next.start(1000).replication.seal(next.of, higher, patient());
          await next.start(now.diesAfter).replication.promote(next.of, higher, spec, patient());
        });
        // A promotion whose outcome is unknown is looked at.
        if (isPromoted || (await bases(next))?.role === 'volume') primary = next;
        break;
      }
      case 'catch-up': {
        // The node that lost finds a higher epoch.
        const behind = other();
        const known = await bases(behind);
        if (!known) break;
        const ports = behind.start(now.diesAfter);
        const mine = new Set((await bases(primary))?.all.map(({ guid }) => guid));
        await attempt(async () => {
          if (known.role === 'volume') {
            const before = textOf(behind.sim.files(behind.of));
            const how = { epoch, lineage, final: `final-${++count}` };
            const final = await ports.replication.demote(behind.of, how, patient());
            learn();
            expect(contents.get(final.guid)).toBe(before);
            acknowledged.get(behind)?.add(final.guid);
          }
          const all = (await ports.replication.bases(behind.of, patient()))?.all ?? [];
          const common = all.findLast(({ guid }) => mine.has(guid));
          if (!common) return;
          await ports.replication.setAside(
            behind.of,
            { epoch, lineage, common: common.guid, as: `aside-${++count}` },
            patient(),
          );
        });
        break;
      }
    }
    check();
    // The next daemon finds, and finishes, what was begun.
    for (const one of nodes) await bases(one);
    isUnfinished = false;
    check();
  }
}

test.each(['btrfs', 'zfs'] as const)(
  'a replica on %s is always some snapshot, and nothing acknowledged is lost',
  async (driver) => {
    await fc.assert(
      fc.asyncProperty(fc.array(planned, { minLength: 5, maxLength: 25 }), (commands) => run(driver, commands)),
      { numRuns: 60 },
    );
  },
);
