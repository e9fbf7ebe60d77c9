/**
 * Snapshots that were to go and stay, because something else holds them: another tool, or a person by hand. Nobody tells
 * the lab when a hold is let go, so it tries again once a day, and whenever a person asks.
 */
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { hintThen } from '../volume/mending.ts';

const againAfterMs = 24 * 3_600_000;

/** When its removal is tried again, in log time; undefined of one that is not held, or is being tried. */
export const triedAgainAt = ({ state, context: { held } }: ActorState<'snapshot'>): number | undefined =>
  held && state !== 'removing' ? held.at + againAfterMs : undefined;

/** What its file system said, with the command that goes on from there. */
export function heldProblem({ context }: ActorState<'snapshot'>, problem: Problem, lab: LabView): Problem {
  const volume = lab.get(context.volume)?.context.metadata.name ?? 'VOLUME';
  return { ...problem, hint: hintThen(problem, `floatlab volume rm-snapshot ${volume} ${context.metadata.name}`) };
}
