/** The machine of each kind, the events that begin it, and in which state each does. */
import type { Kind } from '#events/envelope.ts';
import type { EventType } from '#events/registry.ts';
import type { AnyStateMachine } from 'xstate';
import { appMachine } from './app/machine.ts';
import { backupMachine } from './backup/machine.ts';
import { backupTargetMachine } from './backup-target/machine.ts';
import { clusterMachine } from './cluster/machine.ts';
import { instanceMachine } from './instance/machine.ts';
import { namespaceMachine } from './namespace/machine.ts';
import { nodeMachine } from './node/machine.ts';
import { operationMachine } from './operation/machine.ts';
import { poolMachine } from './pool/machine.ts';
import { replicaMachine } from './replica/machine.ts';
import { scheduleMachine } from './schedule/machine.ts';
import { snapshotMachine } from './snapshot/machine.ts';
import { transferMachine } from './transfer/machine.ts';
import { volumeMachine } from './volume/machine.ts';

export interface KindMachine {
  readonly machine: AnyStateMachine;
  /** Event that begins an actor → the state that it begins in. */
  readonly births: Readonly<Partial<Record<EventType, string>>>;
}

/** All machines of one version (`libraries.ts`). */
export type Library = Readonly<Record<Kind, KindMachine>>;

export const machines: Library = {
  app: { machine: appMachine, births: { 'app.created': 'stopped' } },
  backup: { machine: backupMachine, births: { 'backup.requested': 'waiting', 'backup.found': 'unverified' } },
  'backup-target': { machine: backupTargetMachine, births: { 'backup-target.added': 'unchecked' } },
  cluster: { machine: clusterMachine, births: { 'cluster.created': 'active' } },
  instance: { machine: instanceMachine, births: { 'instance.assigned': 'starting' } },
  namespace: { machine: namespaceMachine, births: { 'namespace.created': 'active' } },
  node: { machine: nodeMachine, births: { 'node.joined': 'up', 'node.asked-to-join': 'waiting' } },
  operation: { machine: operationMachine, births: { 'operation.started': 'running' } },
  pool: {
    machine: poolMachine,
    births: { 'pool.found': 'online', 'pool.requested': 'creating', 'pool.adoption-requested': 'adopting' },
  },
  replica: { machine: replicaMachine, births: { 'replica.requested': 'idle' } },
  schedule: { machine: scheduleMachine, births: { 'schedule.created': 'active' } },
  snapshot: { machine: snapshotMachine, births: { 'snapshot.requested': 'taking' } },
  transfer: { machine: transferMachine, births: { 'transfer.requested': 'waiting' } },
  volume: { machine: volumeMachine, births: { 'volume.created': 'unplaced' } },
};

/** Raised whenever the same events would fold to other states: stored states of another version are refolded. */
export const foldVersion = 8;
