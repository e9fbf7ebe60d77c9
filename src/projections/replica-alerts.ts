/** What can be wrong with a replica: each says what to do about it. */
import type { ActorState, LabView } from '#actors/actor.ts';
import { formatDuration } from '#events/values/duration.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { Alert } from './alerts.ts';
import { refTo } from './refs.ts';

export const replicaRules = [
  'replica-diverged',
  'replica-failed',
  'replica-behind',
  'replica-exposed',
  'replica-orphaned',
] as const;

export function replicaAlerts({ state, context }: ActorState<'replica'>, lab: LabView): readonly Alert[] {
  const { metadata, volume, node, problem, behindSince, exposed } = context;
  const { name } = metadata;
  const known = lab.get(volume)?.context.metadata.name;
  const what =
    known === undefined ? `Replica ${name}` : `The replica of ${known} on ${refTo(lab, node)?.name ?? 'a node'}`;
  if (state === 'orphaned') {
    const hint = `Bring the volume back from it or from a backup; when nobody needs it: floatlab replica rm ${name}.`;
    return [{ rule: 'replica-orphaned', severity: 'critical', message: `${what} is all that is left of it.`, hint }];
  }
  if (state === 'failed' && problem) {
    const isDiverged = problem.code === 'DIVERGED';
    return [
      {
        rule: isDiverged ? 'replica-diverged' : 'replica-failed',
        severity: 'warning',
        message: `${what} ${isDiverged ? 'has diverged' : 'cannot follow'}: ${problem.message}`,
        hint: mendingOf(name, problem),
      },
    ];
  }
  // While it is paused, or on its way out, nobody expects it to follow.
  if (state !== 'idle' && state !== 'syncing') return [];
  const why = problem ? ` ${problem.message}` : '';
  const alerts: Alert[] = [];
  if (exposed !== null)
    alerts.push({
      rule: 'replica-exposed',
      severity: 'warning',
      message: `${what}: more may be lost with it than the ${formatDuration(exposed.maxMs)} that its volume allows.${why}`,
      hint: `See what it lacks: floatlab replica show ${name}. Or let it follow more often.`,
    });
  if (behindSince === null) return alerts;
  return [
    ...alerts,
    {
      rule: 'replica-behind',
      severity: 'warning',
      message: `${what} has been behind for too long.${why}`,
      hint: `See what it does: floatlab replica show ${name}.`,
    },
  ];
}

/** What a person does about a replica that waits for one. */
export const mendingOf = (name: string, { code, hint }: Problem): string =>
  code === 'DIVERGED'
    ? `Put aside what only it has: floatlab replica resync ${name} --keep. Or give that up: --discard.`
    : (hint ?? `Mend the cause, then: floatlab replica sync ${name}.`);
