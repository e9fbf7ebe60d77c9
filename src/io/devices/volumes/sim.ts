/**
 * The simulated twin of a node's pools: the same port, and a hand for the test to write files, fill a pool, pull it
 * out, do what other tools do, and make calls fail. A pool behaves as btrfs, as zfs or as plain folders. Everything is
 * in memory, takes its time from the given clock and its chance from the given seed. The pools outlive a daemon that
 * crashes: its successor gets the same object.
 *
 *     sim/pools.ts     what is in a pool, and what it takes
 *     sim/effects.ts   what each call does, at once
 *     sim/refusals.ts  what is refused
 *     sim/faults.ts    how long a call takes, how it fails, what becomes of one that is cut off
 */
import type { Clock } from '../clock/port.ts';
import type { Random } from '../random/port.ts';
import { checkDatasetName, checkSamePool, checkSnapshotName, describe } from './names.ts';
import { noPlaces, type OwnPlaces } from './own-places.ts';
import type { SnapInfo, VolumePort } from './port.ts';
import { checkSpec } from './spec.ts';
import { simEffects } from './sim/effects.ts';
import type { VolumeFault, VolumeOp } from './sim/faults.ts';
import { performer } from './sim/faults.ts';
import type { SimHands } from './sim/hands.ts';
import { simHands } from './sim/hands.ts';
import type { SimPool, SimPoolOptions } from './sim/pools.ts';
import { simPool } from './sim/pools.ts';
import { failure } from './sim/refusals.ts';

export interface SimVolumesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly pools: readonly SimPoolOptions[];
  /** Milliseconds a call takes; by default 2 to 12. */
  readonly latencyMs?: (op: VolumeOp) => number;
  readonly fault?: VolumeFault;
  /** The probability that a call that was cut off takes effect nevertheless. Default 0. */
  readonly effectAfterCutOff?: number;
  /** What is not to be adopted. */
  readonly ownPlaces?: OwnPlaces;
}

export interface SimVolumes extends VolumePort, SimHands {
  /** What is in the pools, for the twin of replication: it works on the same datasets. */
  readonly inside: ReadonlyMap<string, SimPool>;
  /** May be replaced at any time. */
  fault: VolumeFault | undefined;
  /** Who uses a dataset, by its path; a rollback, a destroy of what is in use answers BUSY. For the simulated engine. */
  usedBy: ((path: string) => string | undefined) | undefined;
}

export function simVolumes(options: SimVolumesOptions): SimVolumes {
  const { clock, random, ownPlaces = noPlaces } = options;
  const pools = new Map(options.pools.map((pool) => [pool.name, simPool(pool)]));
  const digit = () => Math.floor(random.next() * 16).toString(16);
  const effects = simEffects({ pools, now: () => clock.now(), digit, usedBy: (path) => sim.usedBy?.(path), ownPlaces });
  const perform = performer({
    clock,
    random,
    latencyMs: options.latencyMs ?? (() => 2 + random.next() * 10),
    fault: (op, target, when) => sim.fault?.(op, target, when),
    effectAfterCutOff: options.effectAfterCutOff ?? 0,
  });

  const sim: SimVolumes = {
    fault: options.fault,
    usedBy: undefined,
    inside: pools,
    ...simHands({ pools, now: () => clock.now(), digit }),

    pools: (call) => perform('pools', 'pools', call, effects.pools),

    async create(of, spec, call) {
      checkDatasetName('create', of);
      checkSpec('create', of, spec);
      return perform('create', describe(of), call, () => effects.create(of, spec));
    },

    async clone(from, snapshot, into, spec, call) {
      for (const of of [from, into]) checkDatasetName('clone', of);
      checkSamePool('clone', [from, into]);
      checkSnapshotName('clone', snapshot);
      checkSpec('clone', into, spec);
      return perform('clone', describe(into), call, () => effects.clone(from, snapshot, into, spec));
    },

    async inspect(of, call) {
      checkDatasetName('inspect', of);
      return perform('inspect', describe(of), call, () => effects.inspect(of));
    },

    async mount(of, call) {
      checkDatasetName('mount', of);
      return perform('mount', describe(of), call, () => effects.mount(of));
    },

    list: (pool, call) => perform('list', pool, call, () => effects.list(pool)),

    changes: (pool, call) => perform('changes', pool, call, () => effects.changes(pool)),

    async snapshot(of, name, call) {
      checkDatasetName('snapshot', of);
      checkSnapshotName('snapshot', name);
      return perform('snapshot', describe(of), call, () => effects.snapshot(of, name));
    },

    async snapshotTogether(of, name, call): Promise<readonly SnapInfo[]> {
      for (const one of of) checkDatasetName('snapshotTogether', one);
      checkSamePool('snapshotTogether', of);
      checkSnapshotName('snapshotTogether', name);
      const target = of[0]?.pool ?? 'nothing';
      return perform('snapshotTogether', target, call, () => effects.snapshotTogether(of, name));
    },

    async snapshots(of, call) {
      checkDatasetName('snapshots', of);
      return perform('snapshots', describe(of), call, () => effects.snapshots(of));
    },

    async foreignSnapshots(of, call) {
      checkDatasetName('foreignSnapshots', of);
      return perform('foreignSnapshots', describe(of), call, () => effects.foreignSnapshots(of));
    },

    async snapshotPath(of, name, call) {
      checkDatasetName('snapshotPath', of);
      checkSnapshotName('snapshotPath', name);
      return perform('snapshotPath', describe(of), call, () => effects.snapshotPath(of, name));
    },

    async writtenSince(of, name, call) {
      checkDatasetName('writtenSince', of);
      checkSnapshotName('writtenSince', name);
      return perform('writtenSince', describe(of), call, () => effects.writtenSince(of, name));
    },

    async removeSnapshots(of, names, call) {
      checkDatasetName('removeSnapshots', of);
      for (const name of names) checkSnapshotName('removeSnapshots', name);
      return perform('removeSnapshots', describe(of), call, () => effects.removeSnapshots(of, names));
    },

    async rollback(of, to, stash, call) {
      checkDatasetName('rollback', of);
      for (const name of [to, stash]) checkSnapshotName('rollback', name);
      if (to === stash) throw failure('INVALID', 'rollback', describe(of), `cannot keep the present as ${to}`);
      return perform('rollback', describe(of), call, () => effects.rollback(of, to, stash));
    },

    async adopt(native, of, call) {
      checkDatasetName('adopt', of);
      return perform('adopt', describe(of), call, () => effects.adopt(native, of));
    },

    candidates: (pool, call) => perform('candidates', pool, call, () => effects.candidates(pool)),

    async release(of, call) {
      checkDatasetName('release', of);
      return perform('release', describe(of), call, () => effects.release(of));
    },

    async destroy(of, how, call) {
      checkDatasetName('destroy', of);
      return perform('destroy', describe(of), call, () => effects.destroy(of, how));
    },
  };
  return sim;
}
