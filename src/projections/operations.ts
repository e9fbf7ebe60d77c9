import type { ActorState, LabView, Step } from '#actors/actor.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import { defineProjection } from './projection.ts';
import { isAway } from '#actors/node/known.ts';
import { unheardOf } from './unheard.ts';
import { waitingOf } from './waiting.ts';

export interface OperationRow {
  readonly id: StreamId<'operation'>;
  readonly namespace: string;
  readonly name: string;
  readonly command: string;
  readonly target: StreamId;
  readonly targetName: string;
  readonly by: string;
  readonly state: 'running' | 'succeeded' | 'failed';
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly problem: Problem | null;
  /** Why it does not go on. */
  readonly waits: Problem | null;
}

export const operationsProjection = defineProjection<OperationRow>({
  name: 'operations',
  version: 3,
  keeps: 'table',
  apply: (rows, step, lab) => {
    const { event, after } = step;
    if (after?.kind === 'operation') {
      rows.put(after.stream, rowOf(after as ActorState<'operation'>, event.at, lab));
      return;
    }
    // What their target waits for changes with it, with where it runs, and with the node that it runs on.
    for (const target of targetsOf(step, lab)) {
      const waits = waitsOf(lab.get(target), lab);
      for (const operation of lab.referrers(target, 'operation')) {
        const known = rows.get(operation.stream)?.waits ?? null;
        if (JSON.stringify(known) !== JSON.stringify(waits))
          rows.put(operation.stream, rowOf(operation, event.at, lab));
      }
    }
  },
  // A person may ask for an operation after the fact, but not for ever: its events stay.
  bound: { limit: 1000, order: (row) => row.startedAt, mayGo: (row) => row.endedAt !== null },
  scope: (row) => ({ verb: 'read', kind: 'operation', namespace: row.namespace }),
});

function targetsOf({ before, after }: Step, lab: LabView): readonly StreamId[] {
  switch (after?.kind) {
    case 'app':
    case 'volume':
    case 'transfer':
      return [after.stream];
    case 'instance':
      return [(after as ActorState<'instance'>).context.app];
    case 'node': {
      if (before?.state === after.state) return [];
      const node = after.stream as StreamId<'node'>;
      const apps = lab.referrers(node, 'instance').map(({ context }) => context.app);
      const volumes = lab.referrers(node, 'volume').map(({ stream }) => stream);
      return [
        ...apps,
        ...volumes,
        ...volumes.flatMap((of) => lab.referrers(of, 'transfer').map(({ stream }) => stream)),
      ];
    }
    default:
      return [];
  }
}

/** For a place, or for the node that has to do it: it is not taken back meanwhile, and goes on when that is there. */
export function waitsOf(target: ActorState | undefined, lab: LabView): Problem | null {
  const delay = waitingOf(target, lab)?.problem;
  if (delay || !target || target.final) return delay ?? null;
  if (target.kind === 'app') {
    const app = target as ActorState<'app'>;
    return unheardOf(app, lab.referrers(app.stream, 'instance')[0], lab)?.problem ?? null;
  }
  return target.kind === 'volume' ? awayOf(target as ActorState<'volume'>, lab) : null;
}

function awayOf({ context }: ActorState<'volume'>, lab: LabView): Problem | null {
  const node = context.node === null ? undefined : lab.get(context.node);
  if (!node || !isAway(node)) return null;
  const { name } = node.context.metadata;
  const why = node.state === 'stopped' ? 'was stopped on purpose' : 'is down';
  return {
    code: 'NODE_DOWN',
    message: `Node ${name} ${why}: volume ${context.metadata.name} waits for it.`,
    hint: `Bring ${name} back. If the machine is lost for good: floatlab node rm ${name} --force.`,
  };
}

function rowOf({ context, state, stream, final }: ActorState<'operation'>, at: number, lab: LabView): OperationRow {
  return {
    id: stream,
    namespace: context.metadata.namespace,
    name: context.metadata.name,
    command: context.command,
    target: context.target,
    targetName: context.targetName,
    by: context.by,
    state: state as OperationRow['state'],
    startedAt: context.startedAt,
    endedAt: final ? at : null,
    problem: context.problem,
    waits: final ? null : waitsOf(lab.get(context.target), lab),
  };
}
