/**
 * What can be wrong with the snapshots of a volume: they fail, or they stay although they are to go. A volume may have
 * very many, so only the steps that can begin or end an alert make anybody look at them.
 */
import type { ActorState, LabView, Step } from '#actors/actor.ts';
import { hintThen } from '#actors/volume/mending.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Alert } from './alerts.ts';

export const snapshotRules = ['snapshots-failing', 'snapshots-held'] as const;

type Volume = ActorState<'volume'>;
type Snapshot = ActorState<'snapshot'>;

/** One that fails may pass; so many in a row do not. */
const toleratedFailures = 2;
/** Their snapshots go with them. */
const ending: readonly string[] = ['discarded', 'deleting', 'releasing'];

/** Which alert of which volume the step may have begun, or ended. */
export function snapshotAlertOf({ event, before, after }: Step):
  | {
      readonly rule: (typeof snapshotRules)[number];
      readonly volume: StreamId<'volume'>;
      readonly begins: boolean;
    }
  | undefined {
  const known = (before ?? after) as Snapshot;
  const { volume, held, guid } = known.context;
  switch (event.type) {
    case 'snapshot.failed':
      return { rule: 'snapshots-failing', volume, begins: true };
    case 'snapshot.taken':
      return { rule: 'snapshots-failing', volume, begins: false };
    case 'snapshot.removal-refused':
      return { rule: 'snapshots-held', volume, begins: true };
    case 'snapshot.removal-withdrawn':
      return { rule: 'snapshots-held', volume, begins: false };
    case 'snapshot.removed':
    case 'snapshot.found-gone':
    case 'snapshot.left-behind':
      if (held !== null) return { rule: 'snapshots-held', volume, begins: false };
      return guid === null ? { rule: 'snapshots-failing', volume, begins: false } : undefined;
    default:
      return undefined;
  }
}

export function snapshotAlerts({ stream, state, context }: Volume, lab: LabView): readonly Alert[] {
  if (ending.includes(state)) return [];
  const { name } = context.metadata;
  const snapshots = lab.referrers(stream, 'snapshot');
  const alerts: Alert[] = [];
  const failed = failuresInARow(snapshots);
  if (failed.length > toleratedFailures) {
    const problem = failed[0]?.context.problem ?? { code: 'FAILED', message: 'Nobody knows why.' };
    alerts.push({
      rule: 'snapshots-failing',
      severity: 'critical',
      message: `The last snapshots of volume ${name} failed, one after the other: ${problem.message}`,
      hint: hintThen(problem, `floatlab volume snapshot ${name}`),
    });
  }
  const held = snapshots.find((snapshot) => snapshot.context.held !== null);
  if (held?.context.held) {
    const { problem } = held.context.held;
    alerts.push({
      rule: 'snapshots-held',
      severity: 'warning',
      message: `Snapshot ${held.context.metadata.name} of volume ${name} is to go, and cannot: ${problem.message}`,
      hint: problem.hint ?? null,
    });
  }
  return alerts;
}

/** The newest first, up to one that was taken; what is still to be taken has no say. */
function failuresInARow(snapshots: readonly Snapshot[]): readonly Snapshot[] {
  const ended = snapshots
    .filter(({ state }) => state !== 'taking')
    .toSorted((a, b) => b.context.sequence - a.context.sequence);
  const last = ended.findIndex(({ context }) => context.guid !== null);
  return last < 0 ? ended : ended.slice(0, last);
}
