/**
 * Policies run on the leader only. A policy says which subjects a step wakes, when each is next due, and what
 * commands it proposes for a subject, with the evidence that it looked at. It never scans the lab.
 */
import type { Evidence, Kind, StreamId } from '#events/envelope.ts';
import type { LabView, Step } from '../actor.ts';
import type { Command } from '../commands.ts';
import type { Observations } from '../observations.ts';

export type Proposal = Command & { readonly because: Evidence };

export interface Policy {
  readonly name: string;
  /** What it looks after: at the beginning of a term every one of them is looked at once. */
  readonly subjects: readonly Kind[];
  /** Subjects that the step may have given something to do. */
  wakes(step: Step, lab: LabView): readonly StreamId[];
  /** When the subject has to be looked at again, in log time; undefined: not before it is woken. */
  dueAt?(subject: StreamId, lab: LabView, seen: Observations): number | undefined;
  propose(subject: StreamId, lab: LabView, seen: Observations, now: number): readonly Proposal[];
}
