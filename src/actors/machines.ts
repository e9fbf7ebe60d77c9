/** The machine of each kind and the event that begins it. */
import type { Kind } from '#events/envelope.ts';
import type { EventType } from '#events/registry.ts';
import type { AnyStateMachine } from 'xstate';
import { appMachine } from './app/machine.ts';
import { clusterMachine } from './cluster/machine.ts';
import { instanceMachine } from './instance/machine.ts';
import { namespaceMachine } from './namespace/machine.ts';
import { nodeMachine } from './node/machine.ts';
import { operationMachine } from './operation/machine.ts';
import { scheduleMachine } from './schedule/machine.ts';
import { snapshotMachine } from './snapshot/machine.ts';
import { volumeMachine } from './volume/machine.ts';

export const machines: Readonly<Record<Kind, { readonly machine: AnyStateMachine; readonly birth: EventType }>> = {
  app: { machine: appMachine, birth: 'app.created' },
  cluster: { machine: clusterMachine, birth: 'cluster.created' },
  instance: { machine: instanceMachine, birth: 'instance.assigned' },
  namespace: { machine: namespaceMachine, birth: 'namespace.created' },
  node: { machine: nodeMachine, birth: 'node.joined' },
  operation: { machine: operationMachine, birth: 'operation.started' },
  schedule: { machine: scheduleMachine, birth: 'schedule.created' },
  snapshot: { machine: snapshotMachine, birth: 'snapshot.requested' },
  volume: { machine: volumeMachine, birth: 'volume.created' },
};

/** Raised whenever the same events would fold to other states: stored states of another version are refolded. */
export const foldVersion = 3;
