/** Figures for Prometheus: of the lab, and of this process. */
import type { BackupRow } from '#projections/views/backups.ts';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { ReplicaLagRow } from '#io/contract/live.ts';
import type { LabPort, RowList } from '../lab/port.ts';

export function labMetrics(lab: LabPort, version: string): () => Promise<string> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (
    name: string,
    help: string,
    collect: (gauge: Gauge<string>) => void,
    labelNames: string[] = [],
  ): void => {
    const made: Gauge<string> = new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect: () => collect(made),
    });
  };
  gauge('floatlab_info', 'Version of this node.', (made) => made.set({ version }, 1), ['version']);
  gauge('floatlab_log_index', 'Index of the last folded event.', (made) => made.set(lab.index));
  gauge('floatlab_log_time_seconds', 'Time of the last folded event.', (made) => made.set(lab.view.at / 1000));
  gauge(
    'floatlab_alerts',
    'Alerts that are raised now.',
    (made) => {
      made.reset();
      for (const [, { severity }] of lab.rows('alerts')) made.inc({ severity });
    },
    ['severity'],
  );
  gauge(
    'floatlab_objects',
    'Objects by kind and state.',
    (made) => {
      made.reset();
      const counts: Readonly<Record<string, Readonly<Record<string, number>>>> =
        lab.rows('overview')[0]?.[1].counts ?? {};
      for (const [kind, states] of Object.entries(counts)) {
        for (const [state, count] of Object.entries(states)) made.set({ kind, state }, count);
      }
    },
    ['kind', 'state'],
  );
  gauge(
    'floatlab_volume_snapshot_age_seconds',
    'Age of the newest snapshot of a volume.',
    (made) => {
      made.reset();
      for (const [, { namespace, name, lastSnapshotAt }] of lab.rows('volumes')) {
        if (lastSnapshotAt !== null) made.set({ namespace, volume: name }, (lab.view.at - lastSnapshotAt) / 1000);
      }
    },
    ['namespace', 'volume'],
  );
  const lags = (made: Gauge<string>, figure: (row: ReplicaLagRow) => number | undefined): void => {
    made.reset();
    const rows = new Map(lab.observed('replica-lag') as RowList<ReplicaLagRow>);
    for (const [key, { namespace, name, volume, node }] of lab.rows('replicas')) {
      const row = rows.get(key);
      const value = row && figure(row);
      if (value !== undefined) made.set({ namespace, replica: name, volume: volume.name, node: node.name }, value);
    }
  };
  const ofReplica = ['namespace', 'replica', 'volume', 'node'];
  gauge(
    'floatlab_replica_lag_seconds',
    'What was written in at most so many seconds before now would be lost with a replica; +Inf: unknown.',
    (made) => lags(made, ({ lossMs }) => (lossMs === undefined ? Number.POSITIVE_INFINITY : lossMs / 1000)),
    ofReplica,
  );
  gauge(
    'floatlab_replica_lag_bytes',
    'About so much was written to a volume since the snapshot that a replica holds; absent: unknown.',
    (made) => lags(made, ({ bytes }) => bytes),
    ofReplica,
  );
  gauge(
    'floatlab_backup_lag_seconds',
    'Age of the newest backup of a volume in a target that was read back; +Inf: there is none.',
    (made) => setBackupLags(made, lab, (row) => (row.isGood ? row.takenAt : null)),
    ['namespace', 'volume', 'target'],
  );
  gauge(
    'floatlab_backup_restore_test_age_seconds',
    'Age of the last restore as a test of a volume out of a target that came back as it was; +Inf: there is none.',
    (made) => setBackupLags(made, lab, (row) => row.restoreTest?.at ?? null),
    ['namespace', 'volume', 'target'],
  );
  return () => registry.metrics();
}

/** Of backups that this lab makes: those of other labs are as old as they are. */
function setBackupLags(made: Gauge<string>, lab: LabPort, at: (row: BackupRow) => number | null): void {
  made.reset();
  const newest = new Map<string, readonly [Record<string, string>, number]>();
  for (const [, row] of lab.rows('backups')) {
    if (row.lab !== null) continue;
    const labels = { namespace: row.namespace, volume: row.volumeName, target: row.target.name };
    const key = JSON.stringify(Object.values(labels));
    newest.set(key, [labels, Math.max(newest.get(key)?.[1] ?? 0, at(row) ?? 0)]);
  }
  for (const [labels, ms] of newest.values())
    made.set(labels, ms === 0 ? Number.POSITIVE_INFINITY : (lab.view.at - ms) / 1000);
}
