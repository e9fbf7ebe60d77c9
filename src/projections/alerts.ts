/** What is wrong now. An alert is a row as long as its reason holds; that it was there stays in the activity. */
import type { ActorState } from '#actors/actor.ts';
import type { StreamId } from '#events/envelope.ts';
import { defineProjection } from './projection.ts';

export interface AlertRow {
  readonly rule: 'app-failed' | 'app-degraded' | 'volume-failed' | 'node-down' | 'quarantined';
  readonly severity: 'critical' | 'warning';
  readonly stream: StreamId;
  readonly kind: ActorState['kind'];
  readonly namespace: string;
  readonly name: string;
  readonly since: number;
  /** One sentence that names the thing. */
  readonly message: string;
  readonly hint: string | null;
}

export const alertsProjection = defineProjection<AlertRow>({
  name: 'alerts',
  version: 1,
  keeps: 'table',
  apply: (rows, { event, after }) => {
    if (!after) return;
    const found = after.final ? undefined : alertOf(after);
    const known = rows.get(event.stream);
    if (!found) {
      if (known) rows.delete(event.stream);
      return;
    }
    const { metadata } = after.context;
    const row: AlertRow = {
      ...found,
      stream: after.stream,
      kind: after.kind,
      namespace: metadata.namespace,
      name: metadata.name,
      since: known?.rule === found.rule ? known.since : event.at,
    };
    if (JSON.stringify(row) !== JSON.stringify(known)) rows.put(event.stream, row);
  },
  scope: (row) => ({ verb: 'read', kind: row.kind, namespace: row.namespace }),
});

function alertOf(actor: ActorState): Pick<AlertRow, 'rule' | 'severity' | 'message' | 'hint'> | undefined {
  const { name } = actor.context.metadata;
  if (actor.quarantined !== null) {
    return {
      rule: 'quarantined',
      severity: 'critical',
      message: `The ${actor.kind} ${name} takes no more events: ${actor.quarantined}.`,
      hint: 'Upgrade FloatLab; a newer version folds its history again.',
    };
  }
  switch (actor.kind) {
    case 'app': {
      const { problem } = (actor as ActorState<'app'>).context;
      if (!problem || (actor.state !== 'failed' && actor.state !== 'degraded')) return undefined;
      const isFailed = actor.state === 'failed';
      return {
        rule: isFailed ? 'app-failed' : 'app-degraded',
        severity: isFailed ? 'critical' : 'warning',
        message: `App ${name} ${isFailed ? 'failed' : 'is degraded'}: ${problem.message}`,
        hint: problem.hint ?? null,
      };
    }
    case 'volume': {
      const { problem } = (actor as ActorState<'volume'>).context;
      if (actor.state !== 'failed' || !problem) return undefined;
      return {
        rule: 'volume-failed',
        severity: 'critical',
        message: `Volume ${name} failed: ${problem.message}`,
        hint: problem.hint ?? `Mend the cause, then: floatlab volume retry ${name}.`,
      };
    }
    case 'node':
      if (actor.state !== 'down') return undefined;
      return {
        rule: 'node-down',
        severity: 'critical',
        message: `Node ${name} does not answer.`,
        hint: 'Look at the machine: is it on, is its network up, does floatlabd run?',
      };
    default:
      return undefined;
  }
}
