/**
 * An app on a node that is down, or was stopped. The lab has not heard of it since, so what it knew of the app is not
 * shown as if it were so: the app may run, or not. Only that its node is away is known, since when, and whether on purpose.
 */
import type { ActorState, LabView } from '#actors/actor.ts';
import { isAway } from '#actors/node/known.ts';
import type { Problem } from '#events/values/metadata.ts';

/** Shown instead of a state that says that something runs. */
export const unknownState = 'unknown';

/** What is known only as long as somebody looks; every other state is what the lab has decided, or what has ended. */
const watched: ReadonlySet<string> = new Set(['running', 'degraded']);

export interface Unheard {
  readonly state: string;
  /** When it became so. */
  readonly since: number;
  /** When its node was last heard of; null when nobody knows. */
  readonly lastHeardAt: number | null;
  readonly problem: Problem;
}

/** @returns undefined while its node answers, and for what needs no node */
export function unheardOf(
  app: ActorState<'app'>,
  instance: ActorState<'instance'> | undefined,
  lab: LabView,
): Unheard | undefined {
  const node = instance && lab.get(instance.context.node);
  if (!node || !isAway(node) || app.state === 'failed' || app.state === 'stopped') return undefined;
  const isUnknown = watched.has(app.state);
  return {
    state: isUnknown ? unknownState : app.state,
    since: isUnknown ? Math.max(node.since, app.since) : app.since,
    lastHeardAt: node.context.downSince,
    problem: problemOf(app.context.metadata.name, node, isUnknown),
  };
}

function problemOf(app: string, { state, context }: ActorState<'node'>, isUnknown: boolean): Problem {
  const node = context.metadata.name;
  const why = state === 'stopped' ? `Node ${node} was stopped on purpose` : `Node ${node} is down`;
  return {
    code: 'NODE_DOWN',
    message: isUnknown
      ? `${why}: whether app ${app} still runs there is not known.`
      : `${why}: app ${app} waits for it.`,
    hint:
      `Bring ${node} back; the app does not move to another node by itself yet. ` +
      `If the machine is lost for good: floatlab node rm ${node} --force.`,
  };
}
