/** Work on pools: each is one idempotent call to the pools of the node. */
import type { Command } from '#actors/commands.ts';
import type { WorkName } from '#actors/work.ts';
import type { StreamId } from '#events/envelope.ts';
import type { PoolStorageSpec } from '#events/pool.ts';
import { IoError } from '../../devices/error.ts';
import type { NewPool } from '../../devices/pools/node-pools.ts';
import type { PoolReport } from '../../devices/pools/report.ts';
import { scrubOf } from '../../devices/pools/status.ts';
import type { Failures, Run, Workers } from '../worker.ts';

export type PoolWork = Extract<WorkName, `${string}-pool` | `${string}-pool-${string}`>;

interface About {
  readonly subject: StreamId;
  readonly visit: number;
}
const poolOf = ({ subject }: About) => subject as StreamId<'pool'>;

export const poolWorkers: Pick<Workers, PoolWork> = {
  'create-pool': async (order, { pools }, run) => {
    const { pool: name, driver, layout, on, erase } = order.input;
    run.fence();
    return unlessInUse(order, async () => {
      const made = await whetherThere(pools.create({ name, driver, layout, on: storageOf(on), erase }, run));
      return opened(order, made.where, made.report, run);
    });
  },

  'adopt-pool': async (order, { pools }, run) => {
    const { pool: name, driver, where: at } = order.input;
    run.fence();
    const { where, report } = await whetherThere(pools.adopt({ name, driver, where: at }, run));
    return opened(order, where, report, run);
  },

  'release-pool': async (order, { pools }, run) => {
    run.fence();
    // What is not there has been let go.
    await pools.release(order.input.pool, run).catch((error: unknown) => {
      if (!(error instanceof IoError) || error.code !== 'POOL_MISSING') throw error;
    });
    return { name: 'report-pool-released', input: { pool: poolOf(order), visit: order.visit } };
  },

  'grow-pool': async (order, { pools }, run) => {
    const { pool, sizeBytes } = order.input;
    run.fence();
    return changed(order, await whetherThere(pools.grow(pool, sizeBytes === undefined ? {} : { sizeBytes }, run)), run);
  },

  'add-pool-devices': async (order, { pools }, run) => {
    const { pool, devices, layout, erase } = order.input;
    const more = { devices, erase, ...(layout === undefined ? {} : { layout }) };
    run.fence();
    return unlessInUse(order, async () => changed(order, await whetherThere(pools.addDevices(pool, more, run)), run));
  },

  'replace-pool-device': async (order, { pools }, run) => {
    const { pool, old, by, erase } = order.input;
    run.fence();
    const plan = { old, by, erase };
    return unlessInUse(order, async () => changed(order, await whetherThere(pools.replace(pool, plan, run)), run));
  },

  'clear-pool': async (order, { pools }, run) => {
    run.fence();
    return unlessInUse(order, async () => changed(order, await whetherThere(pools.clear(order.input.pool, run)), run));
  },

  'scrub-pool': async (order, { pools }, run) => {
    const { pool, action } = order.input;
    run.fence();
    await whetherThere(pools.scrub(pool, action, run));
    return changed(order, await whetherThere(pools.report(pool, run)), run);
  },
};

const opened = (order: About, where: string, report: PoolReport, run: Run): Command => ({
  name: 'report-pool-opened',
  input: { pool: poolOf(order), visit: order.visit, where, status: run.judge(poolOf(order), report) },
});

const changed = (order: About, report: PoolReport, run: Run): Command => ({
  name: 'report-pool-changed',
  input: {
    pool: poolOf(order),
    visit: order.visit,
    status: run.judge(poolOf(order), report),
    scrub: scrubOf(report),
  },
});

/** A pool that is not there is a reason to give up: somebody waits for the answer, and can ask again. */
async function whetherThere<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof IoError) || error.code !== 'POOL_MISSING') throw error;
    const { op, target, message, hint } = error;
    throw new IoError('MISSING', { op, target, message, ...(hint === undefined ? {} : { hint }), cause: error });
  }
}

/** Nor does a device become free by waiting: it is somebody's, and whoever asked chooses another one. */
async function unlessInUse(order: About, act: () => Promise<Command>): Promise<Command> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof IoError && error.code === 'BUSY') return poolFailed(order, error);
    throw error;
  }
}

function storageOf(on: PoolStorageSpec): NewPool['on'] {
  if ('devices' in on) return on;
  const { file, sizeBytes } = on;
  return file === undefined ? { sizeBytes } : { file, sizeBytes };
}

const poolFailed = (order: About, { problem }: IoError): Command => ({
  name: 'report-pool-failed',
  input: { pool: poolOf(order), visit: order.visit, problem },
});

export const poolFailures: Pick<Failures, PoolWork> = {
  'create-pool': poolFailed,
  'adopt-pool': poolFailed,
  'release-pool': poolFailed,
  'grow-pool': poolFailed,
  'add-pool-devices': poolFailed,
  'replace-pool-device': poolFailed,
  'clear-pool': poolFailed,
  'scrub-pool': poolFailed,
};

const minuteMs = 60_000;
/** Filling a disk takes as long as it takes; a repetition goes on waiting. */
const weekMs = 7 * 24 * 60 * minuteMs;

export const poolTimeoutsMs: Readonly<Record<PoolWork, number>> = {
  'create-pool': 30 * minuteMs,
  'adopt-pool': 2 * minuteMs,
  'release-pool': 2 * minuteMs,
  'grow-pool': 60 * minuteMs,
  'add-pool-devices': weekMs,
  'replace-pool-device': weekMs,
  'clear-pool': 5 * minuteMs,
  'scrub-pool': 2 * minuteMs,
};
