/**
 * The simulated twin of a machine's disks and pools: the same port, and a hand for the test to plug disks in, pull them
 * out, damage and fill them. Everything is in memory and takes its time from the given clock: a scrub or a resilver is a
 * span of time, and whoever asks for a report sees how much of it has passed.
 */
import type { Call } from '../call.ts';
import type { Clock } from '../clock/port.ts';
import { sleep } from '../clock/port.ts';
import { IoError } from '../error.ts';
import { deadline, type Deadline } from '../volumes/deadline.ts';
import { keyedLock } from '../volumes/lock.ts';
import { claimDevices } from './devices.ts';
import { checkDevices, checkPath, invalid, managedPool } from './names.ts';
import type { Layout, ManagedPool, PoolAdmin, PoolSpec } from './port.ts';
import { noErrors, type PoolReport } from './report.ts';
import { simInspector, type SimDisk } from './sim/disks.ts';
import { groupsOf, refuseLayout, tolerance, type Member, type Pool, type Walk } from './sim/pool.ts';
import { reportOf } from './sim/report.ts';
import { waitUntil } from './wait.ts';

export type PoolOp = Exclude<keyof PoolAdmin, 'candidates'>;

export interface SimPoolsOptions {
  readonly clock: Clock;
  readonly pools: () => readonly ManagedPool[];
  readonly disks: readonly SimDisk[];
  /** Pools that are there from the beginning. */
  readonly made?: readonly { readonly name: string; readonly layout: Layout; readonly devices: readonly string[] }[];
  /** How long it takes to read all that a pool holds. Default 60,000. */
  readonly scanMs?: number;
  /** Milliseconds that a call takes. Default 5. */
  readonly latencyMs?: (op: PoolOp) => number;
  /** Asked before the effect of every call. */
  readonly fault?: (op: PoolOp, pool: string) => IoError | undefined;
}

export interface SimPools extends PoolAdmin {
  readonly disks: ReadonlyMap<string, SimDisk>;
  plugIn(disk: SimDisk): void;
  /** It does not answer any more; `plugIn` brings it back as it was. */
  pullOut(path: string): void;
  /** Everything that a pool has on it is wrong from now on, and nobody knows before a scrub. */
  corrupt(path: string): void;
  /** What volumes take in a pool. */
  occupy(pool: string, usedBytes: number): void;
  /** At once, and past all faults; undefined of one that is not there. */
  reportNow(pool: string): PoolReport | undefined;
  /** It is let go; its disks hold what they hold. @returns opens it again, unless its disks were taken for something else */
  release(pool: string): () => boolean;
}

const usualScanMs = 60_000;
/** What a file may take on the disk of the machine. */
const roomBytes = 2 ** 40;

export function simPools(options: SimPoolsOptions): SimPools {
  const { clock } = options;
  const scanMs = options.scanMs ?? usualScanMs;
  const disks = new Map(options.disks.map((disk) => [disk.path, disk]));
  const gone = new Set<string>();
  const pools = new Map<string, Pool>();
  const oneAtATime = keyedLock();
  let ids = 0;

  const fresh = (path: string, sizeBytes: number, group = 0): Member => ({
    path,
    sizeBytes,
    group,
    id: ++ids,
    corrupt: false,
    errors: noErrors,
  });
  const isGone = (member: Member) => gone.has(member.path);
  const seen = { isGone, doneShare: (walk: Walk) => doneOf(walk) / scanMs };
  const ownerOf = (path: string) =>
    [...pools.values()].find((pool) =>
      [...pool.members, ...(pool.filling ? [pool.filling.arriving] : [])].some((member) => member.path === path),
    );

  const inspector = simInspector(disks, gone, ownerOf);

  /** Time passes: what has ended by now is ended. Called before anything looks. */
  function settle(pool: Pool): void {
    const { scrub, filling } = pool;
    if (scrub?.state === 'running' && doneOf(scrub) >= scanMs) {
      scrub.state = 'finished';
      scrub.endedAt = endOf(scrub);
      judge(pool, scrub);
    }
    if (filling && doneOf(filling.walk) >= scanMs) {
      filling.walk.state = 'finished';
      filling.walk.endedAt = endOf(filling.walk);
      pool.members = pool.members.map((member) => (member === filling.leaving ? filling.arriving : member));
      pool.filling = undefined;
    }
  }
  const doneOf = (walk: Walk): number =>
    Math.min(scanMs, walk.doneMs + (walk.state === 'running' ? clock.monotonicMs() - walk.since : 0));
  /** By the wall clock, of one that ran to its end: that may have been some time ago. */
  const endOf = (walk: Walk): number => clock.now() - (clock.monotonicMs() - (walk.since + scanMs - walk.doneMs));

  /** What a scrub finds: damage is repaired from the other copies, as long as there are enough of them. */
  function judge(pool: Pool, scrub: Walk): void {
    const bad = pool.members.filter((member) => member.corrupt);
    const found = 16;
    for (const member of bad) member.errors = { ...member.errors, checksums: member.errors.checksums + found };
    if (
      groupsOf(pool).some(
        (group) => group.filter((member) => member.corrupt || isGone(member)).length > tolerance(pool, group),
      )
    ) {
      scrub.errors = found;
      pool.lost = found;
      return;
    }
    for (const member of bad) member.corrupt = false;
  }

  const walk = (): Walk => ({
    state: 'running',
    startedAt: clock.now(),
    doneMs: 0,
    since: clock.monotonicMs(),
    endedAt: 0,
    errors: 0,
  });

  async function work<T>(
    op: PoolOp,
    name: string,
    call: Call,
    effect: (pool: Pool | undefined, within: Deadline) => T | Promise<T>,
  ) {
    const managed = managedPool(options.pools(), name, op);
    const within = deadline(call, op, name, clock);
    return oneAtATime(op === 'scrub' || op === 'report' ? `${op} ${name}` : name, within, async () => {
      await sleep(clock, Math.min(options.latencyMs?.(op) ?? 5, within.timeoutMs), call.signal);
      within.check();
      const problem = options.fault?.(op, managed.name);
      if (problem) throw problem;
      const pool = pools.get(name);
      if (pool) settle(pool);
      return effect(pool, within);
    });
  }
  const there = (pool: Pool | undefined, name: string): Pool => {
    if (pool) return pool;
    throw new IoError('POOL_MISSING', {
      op: 'look',
      target: name,
      message: `there is no pool ${name}`,
      hint: 'Make it first.',
    });
  };

  const make = (managed: ManagedPool, layout: Layout, members: Member[], isFile: boolean): Pool => {
    const pool: Pool = {
      ...{ managed, layout, members, isFile },
      ...{ usedBytes: 0, scrub: undefined, filling: undefined, lost: 0 },
    };
    pools.set(managed.name, pool);
    return pool;
  };
  for (const { name, layout, devices } of options.made ?? []) {
    const members = devices.map((path) => fresh(path, disks.get(path)?.sizeBytes ?? 0));
    make(managedPool(options.pools(), name, 'create the pool'), layout, members, false);
  }

  const sim: SimPools = {
    disks,
    plugIn(disk) {
      gone.delete(disk.path);
      disks.set(disk.path, disk);
    },
    pullOut: (path) => void gone.add(path),
    corrupt(path) {
      const member = ownerOf(path)?.members.find((one) => one.path === path);
      if (member) member.corrupt = true;
    },
    occupy(name, usedBytes) {
      there(pools.get(name), name).usedBytes = usedBytes;
    },

    reportNow(name) {
      const pool = pools.get(name);
      if (!pool) return undefined;
      settle(pool);
      return reportOf(pool, seen);
    },
    release(name) {
      const pool = pools.get(name);
      // What stands on a disk that was taken meanwhile is of another make, whatever its name is.
      const holds = `part of the pool ${name} (${++ids})`;
      const on = (pool?.members ?? []).flatMap(({ path }) => disks.get(path) ?? []);
      for (const disk of on) disk.holds = holds;
      pools.delete(name);
      return () => {
        if (!pool || pools.has(name) || on.some((disk) => disk.holds !== holds)) return false;
        for (const disk of on) delete disk.holds;
        pools.set(name, pool);
        return true;
      };
    },

    candidates: async (call) => inspector.candidates(deadline(call, 'list the disks', 'this machine', clock)),

    create: (spec, call) =>
      work('create', spec.name, call, async (pool, within) => {
        const managed = managedPool(options.pools(), spec.name, 'create the pool');
        refuseLayout(managed, spec.layout);
        const paths = 'file' in spec.on ? [spec.on.file] : spec.on.devices;
        checkDevices('create the pool', paths, spec.layout);
        if (pool) return sameAs(pool, spec, paths);
        const members = await storage(spec, within);
        return reportOf(make(managed, spec.layout, members, 'file' in spec.on), seen);
      }),

    report: (name, call) => work('report', name, call, (pool) => reportOf(there(pool, name), seen)),

    grow: (name, { sizeBytes }, call) =>
      work('grow', name, call, (found) => {
        const pool = there(found, name);
        const [first] = pool.members;
        if (sizeBytes !== undefined) {
          if (!pool.isFile || !first)
            throw invalid('grow', String(sizeBytes), 'is not for a pool on disks', 'Add disks.');
          if (!Number.isSafeInteger(sizeBytes) || sizeBytes < first.sizeBytes)
            throw invalid('grow', String(sizeBytes), 'is less than it has', 'A pool only grows.');
          if (sizeBytes > roomBytes) throw tooLarge('grow', name, sizeBytes);
          first.sizeBytes = sizeBytes;
        }
        for (const member of pool.members)
          member.sizeBytes = Math.max(member.sizeBytes, disks.get(member.path)?.sizeBytes ?? 0);
        return reportOf(pool, seen);
      }),

    addDevices: (name, { devices, layout, erase = false }, call) =>
      work('addDevices', name, call, async (found, within) => {
        const pool = there(found, name);
        checkDevices('add devices', devices, 'single');
        if (layout !== undefined) refuseLayout(pool.managed, layout);
        const group = Math.max(...pool.members.map((member) => member.group)) + 1;
        const more = devices.filter((path) => !pool.members.some((member) => member.path === path));
        for (const path of await claimDevices(inspector, 'add devices', more, erase, within)) {
          pool.members.push(fresh(path, take(path), pool.managed.driver === 'zfs' ? group : 0));
        }
        if (layout !== undefined) pool.layout = layout;
        return reportOf(pool, seen);
      }),

    replace: (name, { old, by, erase = false }, call) =>
      work('replace', name, call, async (found, within) => {
        const pool = there(found, name);
        checkPath('replace', by);
        const leaving = pool.members.find(
          (member) => member.path === old || (isGone(member) && String(member.id) === old),
        );
        if (!leaving && pool.members.some((member) => member.path === by)) return reportOf(pool, seen);
        if (!leaving) {
          const hint = 'Name it as the report of the pool does; one that is gone goes by its number.';
          throw new IoError('MISSING', {
            op: 'replace',
            target: name,
            message: `the pool ${name} has no device ${old}`,
            hint,
          });
        }
        if (pool.filling === undefined) {
          await claimDevices(inspector, 'replace', [by], erase, within);
          if ((disks.get(by)?.sizeBytes ?? 0) < leaving.sizeBytes)
            throw invalid('replace', by, 'is smaller than the old device', 'Take one that is at least as large.');
          pool.filling = { walk: walk(), leaving, arriving: fresh(by, take(by), leaving.group) };
        }
        return waitUntil(clock, within, async () => {
          settle(pool);
          if (pool.filling === undefined) return reportOf(pool, seen);
          call.progress({
            text: `filling ${by}`,
            done: Math.round((doneOf(pool.filling.walk) / scanMs) * 1000),
            total: 1000,
          });
          return undefined;
        });
      }),

    scrub: (name, action, call) =>
      work('scrub', name, call, (found) => {
        const pool = there(found, name);
        const { scrub } = pool;
        const goesOn = scrub?.state === 'running' || scrub?.state === 'paused';
        if (action === 'start') {
          if (pool.filling) {
            const hint = 'Scrub it when that is done.';
            throw new IoError('BUSY', {
              op: 'scrub',
              target: name,
              message: `the pool ${name} is filling a new disk`,
              hint,
            });
          }
          if (scrub?.state === 'running') return;
          if (scrub?.state === 'paused') Object.assign(scrub, { state: 'running', since: clock.monotonicMs() });
          else pool.scrub = walk();
        } else if (scrub && (action === 'pause' ? scrub.state === 'running' : goesOn)) {
          scrub.doneMs = doneOf(scrub);
          scrub.state = action === 'pause' ? 'paused' : 'canceled';
          scrub.endedAt = clock.now();
        }
      }),

    clear: (name, call) =>
      work('clear', name, call, (found) => {
        const pool = there(found, name);
        for (const member of pool.members) member.errors = noErrors;
        return reportOf(pool, seen);
      }),
  };
  return sim;

  /** What stood on the disk is gone. @returns its size */
  function take(path: string): number {
    const disk = disks.get(path);
    if (disk) delete disk.holds;
    return disk?.sizeBytes ?? 0;
  }

  async function storage(spec: PoolSpec, within: Deadline): Promise<Member[]> {
    if ('file' in spec.on) {
      if (spec.on.sizeBytes > roomBytes) throw tooLarge('create the pool', spec.on.file, spec.on.sizeBytes);
      return [fresh(spec.on.file, spec.on.sizeBytes)];
    }
    const paths = await claimDevices(inspector, 'create the pool', spec.on.devices, spec.erase ?? false, within);
    return paths.map((path) => fresh(path, take(path)));
  }

  function sameAs(pool: Pool, spec: PoolSpec, paths: readonly string[]): PoolReport {
    const has = pool.members.map(({ path }) => path).toSorted();
    if (has.join() === paths.toSorted().join() && pool.layout === spec.layout) return reportOf(pool, seen);
    throw new IoError('EXISTS', {
      op: 'create the pool',
      target: spec.name,
      message: `there is a pool ${spec.name} already, made of ${has.join(', ')}`,
      hint: 'Choose another name, or ask for this pool as it is.',
    });
  }
}

const tooLarge = (op: string, target: string, sizeBytes: number): IoError =>
  new IoError('NO_SPACE', { op, target, message: `${sizeBytes} bytes do not fit`, hint: 'Choose a smaller size.' });
