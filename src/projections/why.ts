/** Why an object is as it is: what tells its story, what it waits for, and how one event led to the next. */
import type { ActorState, LabView } from '#actors/actor.ts';
import { workOf } from '#actors/registry.ts';
import { mendHint } from '#actors/volume/mending.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import { waitsOf } from './operations.ts';
import { refTo } from './refs.ts';
import { unheardOf } from './unheard.ts';
import type { ActivityRow } from './views/activity.ts';

/** What it is as people see it is told by these: an app is where its instance is. */
export function storyOf(actor: ActorState, lab: LabView): readonly ActorState[] {
  if (actor.kind !== 'app') return [actor];
  return [actor, ...lab.referrers(actor.stream, 'instance').filter(({ final }) => !final)];
}

/** Its state, and since when; of what was on a node that is away, that nobody knows. */
export function standingOf(actor: ActorState, lab: LabView): Pick<ActorState, 'state' | 'since'> {
  if (actor.kind !== 'app') return { state: actor.state, since: actor.since };
  const app = actor as ActorState<'app'>;
  const { state, since } = unheardOf(app, lab.referrers(app.stream, 'instance')[0], lab) ?? app;
  return { state, since };
}

/** What has to happen before it goes on; null when that is nothing. */
export function waitsFor(actor: ActorState, lab: LabView): Pick<Problem, 'message' | 'hint'> | null {
  const waits = waitsOf(actor, lab);
  if (waits || actor.final) return waits;
  const said = byState[actor.kind]?.[actor.state];
  if (said !== undefined) return { message: said };
  // What runs is watched, for ever: nobody waits for that.
  const [order] = storyOf(actor, lab).flatMap((one) => workOf(one, lab) ?? []);
  if (!order || order.work === 'watch-instance') return null;
  return { message: `Node ${refTo(lab, order.node)?.name ?? order.node} has to ${order.work.replaceAll('-', ' ')}.` };
}

/** What is wrong with it by its own word, where no alert says so. */
export function problemOf(actor: ActorState): Problem | null {
  const problem = (actor.context as { readonly problem?: Problem | null }).problem ?? null;
  const hint = actor.kind === 'volume' ? mendHint(actor as ActorState<'volume'>) : null;
  return problem && hint !== null ? { ...problem, hint } : problem;
}

/** States that wait for something that is not the work of a node. */
const byState: Readonly<Partial<Record<ActorState['kind'], Readonly<Record<string, string>>>>> = {
  volume: {
    unplaced: 'A place: the placement policy looks for a node with enough room.',
    draining: 'The app to let go of it: it goes on when nothing uses the volume any more.',
    failed: 'A person: mend the cause, then try again.',
    missing: 'Its data to be there again.',
  },
  node: {
    down: 'The machine to answer again.',
    stopped: 'Somebody to start its daemon again.',
    waiting: 'Somebody to let it in, or to send it away.',
  },
  'backup-target': { unchecked: 'A node that can reach it.', unreachable: 'Its cause to be mended.' },
  schedule: { suspended: 'Somebody to let it go on.' },
};

/** Where it is, and under which assignment. */
export function placeOf(
  actor: ActorState,
  lab: LabView,
): { readonly node: string | null; readonly epoch: number | null } {
  for (const { context } of storyOf(actor, lab)) {
    const { node, epoch } = context as { readonly node?: StreamId | null; readonly epoch?: number | null };
    if (typeof node === 'string') return { node: refTo(lab, node)?.name ?? node, epoch: epoch ?? null };
  }
  return { node: null, epoch: null };
}

/** More would tell nobody more. */
export const longestChain = 12;

/**
 * What led to an event, the nearest first: the event that it names as its cause, that one's cause, and so on. Where it
 * was a command that a person gave, its operation is the last.
 * @param rows events of the same operation
 */
export function chainOf(event: ActivityRow, rows: readonly ActivityRow[]): readonly ActivityRow[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const asked = (row: ActivityRow): ActivityRow | undefined =>
    rows.find(({ command, type }) => command === row.command && type === 'operation.started');
  const chain: ActivityRow[] = [];
  let last = event;
  while (chain.length < longestChain) {
    const next = byId.get(last.cause) ?? asked(last);
    // Causes come before what they cause; whatever else is written there ends the chain.
    if (!next || next.index > last.index || next === last || chain.includes(next) || next === event) break;
    chain.push(next);
    last = next;
  }
  return chain;
}
