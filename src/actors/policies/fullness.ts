/**
 * Volumes and pools that are nearly full: a full volume fails its app in ways that say nothing of room. Only what the
 * nodes have measured counts; what nobody has measured is unknown, not empty.
 */
import { kindOf, type StreamId } from '#events/envelope.ts';
import type { LabView } from '../actor.ts';
import type { Observations } from '../observations.ts';
import { isOver, type Threshold } from '../sensors/threshold.ts';
import type { Policy, Proposal } from './policy.ts';

const volumeLimit: Threshold = { from: 0.9, until: 0.85 };
/** A copy-on-write file system that is full can hardly be mended: its own work needs room. */
const poolLimit: Threshold = { from: 0.95, until: 0.92 };

export const fullnessPolicy: Policy = {
  name: 'fullness',
  subjects: ['node', 'volume'],
  wakes: () => [],
  /** At once: the measurement that crosses a threshold is the occasion. */
  dueAt: (subject, lab, seen) => (crossings(subject, lab, seen).length > 0 ? 0 : undefined),
  propose: (subject, lab, seen) => crossings(subject, lab, seen),
};

const crossings = (subject: StreamId, lab: LabView, seen: Observations): readonly Proposal[] =>
  kindOf(subject) === 'volume'
    ? volumeCrossing(subject as StreamId<'volume'>, lab, seen)
    : poolCrossings(subject as StreamId<'node'>, lab, seen);

function volumeCrossing(volume: StreamId<'volume'>, lab: LabView, seen: Observations): readonly Proposal[] {
  const context = lab.get(volume)?.context;
  const measured = seen.get('fill', volume)?.value;
  if (!context || !measured) return [];
  const fill = { usedBytes: measured.usedBytes, sizeBytes: measured.sizeBytes ?? context.spec.sizeBytes };
  const wasFull = context.full !== null;
  const isFull = isOver(wasFull, fill.usedBytes, fill.sizeBytes, volumeLimit);
  return isFull === wasFull ? [] : [{ name: 'note-volume-fill', input: { volume, isFull, ...fill }, because: fill }];
}

function poolCrossings(node: StreamId<'node'>, lab: LabView, seen: Observations): readonly Proposal[] {
  const context = lab.get(node)?.context;
  const measured = seen.get('pools', node)?.value;
  if (!context || !measured) return [];
  return Object.entries(measured).flatMap(([pool, { usedBytes, sizeBytes }]) => {
    const fill = { pool, usedBytes, sizeBytes };
    const wasFull = Object.hasOwn(context.fullPools, pool);
    const isFull = isOver(wasFull, usedBytes, sizeBytes, poolLimit);
    return isFull === wasFull
      ? []
      : [{ name: 'note-pool-fill', input: { node, isFull, ...fill }, because: fill } as const];
  });
}
