/** Every kind's `ActorDef`, and the questions that the rest of the house asks of an actor whatever its kind. */
import type { Kind, StreamId } from '#events/envelope.ts';
import type { ActorDef, ActorState, LabView, Settled } from './actor.ts';
import { appActor } from './app/actor.ts';
import { backupActor } from './backup/actor.ts';
import { backupTargetActor } from './backup-target/actor.ts';
import { clusterActor } from './cluster/actor.ts';
import { instanceActor } from './instance/actor.ts';
import { machines } from './machines.ts';
import { namespaceActor } from './namespace/actor.ts';
import { nodeActor } from './node/actor.ts';
import { operationActor } from './operation/actor.ts';
import { poolActor } from './pool/actor.ts';
import { replicaActor } from './replica/actor.ts';
import { scheduleActor } from './schedule/actor.ts';
import { snapshotActor } from './snapshot/actor.ts';
import { transferActor } from './transfer/actor.ts';
import { volumeActor } from './volume/actor.ts';
import type { WorkInput, WorkName, WorkOrder } from './work.ts';

const actors: { readonly [K in Kind]: ActorDef<K> } = {
  app: appActor,
  backup: backupActor,
  'backup-target': backupTargetActor,
  cluster: clusterActor,
  instance: instanceActor,
  namespace: namespaceActor,
  node: nodeActor,
  operation: operationActor,
  pool: poolActor,
  replica: replicaActor,
  schedule: scheduleActor,
  snapshot: snapshotActor,
  transfer: transferActor,
  volume: volumeActor,
};

const defOf = (kind: Kind): ActorDef<Kind> => actors[kind] as unknown as ActorDef<Kind>;

export const refersTo = (actor: ActorState): readonly StreamId[] => defOf(actor.kind).refersTo(actor.context);

export const settled = (actor: ActorState): Settled => defOf(actor.kind).settled(actor);

/** The work that a state of a machine names in its `meta`. */
export function workNameOf(kind: Kind, state: string): WorkName | undefined {
  const meta = machines[kind].machine.states[state]?.meta as { work?: WorkName } | undefined;
  return meta?.work;
}

/** What the actor's present state asks of a node, if anything. */
export function workOf(actor: ActorState, lab: LabView): WorkOrder | undefined {
  if (actor.final || actor.quarantined !== null) return undefined;
  const meta = actor.snapshot.machine.states[actor.state]?.meta as { work?: WorkName } | undefined;
  const work = meta?.work;
  if (work === undefined) return undefined;
  const def = defOf(actor.kind);
  const assignment = def.assignment?.(actor, lab);
  const input: WorkInput[WorkName] | undefined = def.inputs?.[work]?.(actor, lab);
  if (!assignment || !input) return undefined;
  return {
    work,
    subject: actor.stream,
    visit: actor.visit,
    node: assignment.node,
    epoch: assignment.epoch,
    cause: actor.cause,
    correlation: actor.correlation,
    input,
  } as WorkOrder;
}
