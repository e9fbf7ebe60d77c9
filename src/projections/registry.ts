/** All projections by name: what can be asked for, live or at a past index. */
import { alertsProjection, type AlertRow } from './alerts.ts';
import { auditProjection, type AuditRow } from './audit.ts';
import { configProjection, type ConfigRow } from './config.ts';
import { operationsProjection, type OperationRow } from './operations.ts';
import type { Projection } from './projection.ts';
import { activityView, type ActivityRow } from './views/activity.ts';
import { appsView, type AppRow } from './views/apps.ts';
import { backupsView, type BackupRow } from './views/backups.ts';
import { backupTargetsView, type BackupTargetRow } from './views/backup-targets.ts';
import { nodesView, type NodeRow } from './views/nodes.ts';
import { overviewView, type OverviewRow } from './views/overview.ts';
import { poolsView, type PoolRow } from './views/pools.ts';
import { registriesView, type RegistryRow } from './views/registries.ts';
import { replicasView, type ReplicaRow } from './views/replicas.ts';
import { schedulesView, type ScheduleRow } from './views/schedules.ts';
import { snapshotsView, type SnapshotRow } from './views/snapshots.ts';
import { tokensView, type TokenRow } from './views/tokens.ts';
import { volumesView, type VolumeRow } from './views/volumes.ts';

export interface ViewRows {
  activity: ActivityRow;
  alerts: AlertRow;
  apps: AppRow;
  audit: AuditRow;
  'backup-targets': BackupTargetRow;
  backups: BackupRow;
  config: ConfigRow;
  nodes: NodeRow;
  operations: OperationRow;
  overview: OverviewRow;
  pools: PoolRow;
  registries: RegistryRow;
  replicas: ReplicaRow;
  schedules: ScheduleRow;
  snapshots: SnapshotRow;
  tokens: TokenRow;
  volumes: VolumeRow;
}
export type ViewName = keyof ViewRows;

export const projections: { readonly [V in ViewName]: Projection<ViewRows[V]> } = {
  activity: activityView,
  alerts: alertsProjection,
  apps: appsView,
  audit: auditProjection,
  'backup-targets': backupTargetsView,
  backups: backupsView,
  config: configProjection,
  nodes: nodesView,
  operations: operationsProjection,
  overview: overviewView,
  pools: poolsView,
  registries: registriesView,
  replicas: replicasView,
  schedules: schedulesView,
  snapshots: snapshotsView,
  tokens: tokensView,
  volumes: volumesView,
};

export const viewNames = Object.keys(projections).toSorted() as ViewName[];
export const isViewName = (name: string): name is ViewName => Object.hasOwn(projections, name);
