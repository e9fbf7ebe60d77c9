/**
 * One event, one actor: the only place where machines run.
 *
 * Pure and total: an event that throws in a guard or assign, or that the machine does not accept, quarantines the
 * actor the same way on every replica and never stops the fold. Measured: XState's `transition` builds an actor scope
 * on every call; one inert scope, made once, is three times faster and safe because machines here neither
 * invoke, spawn, delay nor send.
 */
import { kindOf, type Kind, type LabEvent, type StreamId } from '#events/envelope.ts';
import { createEmptyActor, type AnyMachineSnapshot, type AnyStateMachine } from 'xstate';
import type { ActorState, Contexts } from './actor.ts';
import { machines, type Library } from './machines.ts';

/** Whether the event would be accepted by the actor, or begins it. @param library in force there */
export function isLegal(actor: ActorState | undefined, event: LabEvent, library: Library = machines): boolean {
  const { machine, births } = library[kindOf(event.stream)];
  if (!actor) return births[event.type] !== undefined;
  return actor.quarantined === null && snapshotOf(actor, machine).can(event as never);
}

/** @param library in force at the event */
export function advance(
  actor: ActorState | undefined,
  event: LabEvent,
  library: Library = machines,
): ActorState | undefined {
  const kind = kindOf(event.stream);
  const { machine, births } = library[kind];
  if (!actor) {
    const state = births[event.type];
    return state === undefined ? undefined : born(event, kind, machine, state);
  }
  if (actor.quarantined !== null) return { ...actor, version: event.version };
  try {
    const present = snapshotOf(actor, machine);
    if (!present.can(event as never)) {
      return { ...actor, version: event.version, quarantined: `${event.type} is not legal in state ${actor.state}` };
    }
    const snapshot = machine.transition(present, event as never, inertScope) as AnyMachineSnapshot;
    const state = snapshot.value as string;
    const moved = state !== actor.state;
    return {
      stream: actor.stream,
      kind,
      state,
      context: snapshot.context as Contexts[Kind],
      version: event.version,
      visit: moved ? event.version : actor.visit,
      since: moved ? event.at : actor.since,
      cause: moved ? event.id : actor.cause,
      correlation: moved ? event.correlation : actor.correlation,
      createdAt: actor.createdAt,
      final: snapshot.status === 'done',
      quarantined: null,
      snapshot,
    };
  } catch (error) {
    return { ...actor, version: event.version, quarantined: error instanceof Error ? error.message : String(error) };
  }
}

/** @returns undefined when the event broke the machine before there was an actor to quarantine: it is never born */
function born(event: LabEvent, kind: Kind, machine: AnyStateMachine, state: string): ActorState | undefined {
  const first = machine.getInitialSnapshot(inertScope, event) as AnyMachineSnapshot;
  // Unlike a transition, which throws, the first snapshot carries its error.
  if (first.status === 'error') return undefined;
  const snapshot =
    first.value === state
      ? first
      : (machine.resolveState({ value: state, context: first.context }) as AnyMachineSnapshot);
  return {
    stream: event.stream,
    kind,
    state: snapshot.value as string,
    context: snapshot.context as Contexts[Kind],
    version: event.version,
    visit: event.version,
    since: event.at,
    cause: event.id,
    correlation: event.correlation,
    createdAt: event.at,
    final: false,
    quarantined: null,
    snapshot,
  };
}

/** What is stored of an actor: everything but XState's snapshot, which `revive` makes again. */
export type StoredActor = Omit<ActorState, 'snapshot' | 'kind'>;

export function revive(stored: StoredActor, library: Library = machines): ActorState {
  const kind = kindOf(stored.stream as StreamId);
  const snapshot = library[kind].machine.resolveState({
    value: stored.state,
    context: stored.context,
  }) as AnyMachineSnapshot;
  return { ...stored, kind, snapshot };
}

/** The same actor, to go on by another library, which has its state, too. */
export const rebound = (actor: ActorState, library: Library): ActorState => ({
  ...actor,
  snapshot: snapshotOf(actor, library[actor.kind].machine),
});

/** XState's snapshots belong to a machine. */
const snapshotOf = ({ snapshot, state, context }: ActorState, machine: AnyStateMachine): AnyMachineSnapshot =>
  snapshot.machine === machine ? snapshot : (machine.resolveState({ value: state, context }) as AnyMachineSnapshot);

const idle = (): void => {};
const self = createEmptyActor();

/** Machines of the lab neither spawn, send, delay nor emit: nobody ever calls these. */
const inertScope = {
  self,
  id: self.id,
  sessionId: self.sessionId,
  logger: idle,
  defer: idle,
  system: self.system,
  stopChild: idle,
  emit: idle,
  actionExecutor: idle,
} as unknown as Parameters<AnyStateMachine['transition']>[2];
