/** Every work with its worker, what is said when it fails for good, and how long one call of it may take. */
import type { Command } from '#actors/commands.ts';
import type { StreamId } from '#events/envelope.ts';
import type { WorkName, WorkOrder } from '#actors/work.ts';
import type { IoError } from '../devices/error.ts';
import type { Failures, Ports, Run, Workers } from './worker.ts';
import { heldBy, isInTheWay } from './endings.ts';
import { backupFailures, backupTimeoutsMs, backupWorkers } from './workers/backups.ts';
import { datasetFailures, datasetWorkers } from './workers/datasets.ts';
import { handoverFailures, handoverTimeoutsMs, handoverWorkers } from './workers/handover.ts';
import { poolFailures, poolTimeoutsMs, poolWorkers } from './workers/pools.ts';
import { replicaFailures, replicaTimeoutsMs, replicaWorkers } from './workers/replicas.ts';
import { rollbackFailures, rollbackWorkers } from './workers/rollback.ts';
import { haltInstance } from './workers/halt-instance.ts';
import { startInstance } from './workers/start-instance.ts';
import { stopInstance } from './workers/stop-instance.ts';
import { snapshotFailed, takeSnapshot } from './workers/take-snapshot.ts';
import { lifeFailures, lifeWorkers } from './workers/volume-life.ts';
import { restoreTestFailures, restoreTestTimeoutsMs, restoreTestWorkers } from './workers/restore-tests.ts';
import { transferFailures, transferTimeoutsMs, transferWorkers } from './workers/transfers.ts';
import { watchInstance } from './workers/watch-instance.ts';

export const workers: Workers = {
  ...backupWorkers,
  ...datasetWorkers,
  ...handoverWorkers,
  ...lifeWorkers,
  ...poolWorkers,
  ...replicaWorkers,
  ...restoreTestWorkers,
  ...rollbackWorkers,
  ...transferWorkers,
  'take-snapshot': takeSnapshot,
  'start-instance': startInstance,
  'watch-instance': watchInstance,
  'halt-instance': haltInstance,
  'stop-instance': stopInstance,
};

const instanceFailed: NonNullable<Failures['start-instance'] & Failures['watch-instance']> = (
  { subject, visit },
  { problem },
) => ({
  name: 'report-instance-failed',
  input: { instance: subject as StreamId<'instance'>, visit, problem },
});

const failures: Failures = {
  ...backupFailures,
  ...datasetFailures,
  ...handoverFailures,
  ...lifeFailures,
  ...poolFailures,
  ...replicaFailures,
  ...restoreTestFailures,
  ...rollbackFailures,
  ...transferFailures,
  'take-snapshot': snapshotFailed,
  'start-instance': instanceFailed,
  // Giving up halts the app. An engine that answers badly for a while says nothing about its containers.
  'watch-instance': (order, error) => (error.retry === 'never' ? instanceFailed(order, error) : undefined),
  'halt-instance': null,
  'stop-instance': null,
};

const timeoutsMs: Readonly<Record<WorkName, number>> = {
  'create-dataset': 60_000,
  // Where a pool cannot share what two volumes have in common, a clone is a copy.
  'clone-dataset': 3_600_000,
  'adopt-dataset': 120_000,
  'release-dataset': 120_000,
  // As long as it takes to read and write everything.
  'copy-dataset': 48 * 3_600_000,
  'move-dataset': 24 * 3_600_000,
  'rollback-dataset': 120_000,
  'destroy-dataset': 300_000,
  'take-snapshot': 60_000,
  'remove-snapshot': 120_000,
  ...handoverTimeoutsMs,
  ...backupTimeoutsMs,
  ...poolTimeoutsMs,
  ...replicaTimeoutsMs,
  ...restoreTestTimeoutsMs,
  ...transferTimeoutsMs,
  'start-instance': 60_000,
  'watch-instance': 60_000,
  'halt-instance': 60_000,
  'stop-instance': 60_000,
};

export const timeoutMsOf = (work: WorkName): number => timeoutsMs[work];

export const workerOf =
  (order: WorkOrder): ((ports: Ports, run: Run) => Promise<Command>) =>
  (ports, run) =>
    (workers[order.work] as (order: WorkOrder, ports: Ports, run: Run) => Promise<Command>)(order, ports, run);

/** What to say when the order has failed for good; undefined: it is tried on. */
export const failureOf = (order: WorkOrder, error: IoError): Command | undefined =>
  (failures[order.work] as ((order: WorkOrder, error: IoError) => Command | undefined) | null)?.(order, error);

/** What the lab is told while an order is tried on; undefined: only what is seen of the work says that it waits. */
export const delayOf = (order: WorkOrder, error: IoError): Command | undefined =>
  (order.work === 'destroy-dataset' || order.work === 'release-dataset') && isInTheWay(error)
    ? heldBy(order, error)
    : undefined;
