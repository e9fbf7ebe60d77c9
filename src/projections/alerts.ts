/**
 * What is wrong now. An alert is a row as long as its reason holds; that it was there stays in the activity. One object
 * may have several: a node can be without its engine and have a full pool.
 */
import type { ActorState, LabView, Step } from '#actors/actor.ts';
import type { LabEvent, StreamId } from '#events/envelope.ts';
import { formatSize } from '#events/values/size.ts';
import type { Fill } from '#events/volume.ts';
import { defineProjection, type Rows } from './projection.ts';
import { refTo } from './refs.ts';
import { waitingOf } from './waiting.ts';

/** What each kind can be alerted of by itself. What an instance warned of is another matter: see `warn`. */
const rulesOf = {
  app: ['app-failed', 'app-degraded', 'app-waits'],
  volume: ['volume-failed', 'volume-waits', 'volume-full'],
  node: ['node-down', 'engine-away', 'pool-full'],
} as const;
type Ruled = keyof typeof rulesOf;

export interface AlertRow {
  /** Its key: object and rule, and what of the object where there are several. */
  readonly id: string;
  readonly rule: (typeof rulesOf)[Ruled][number] | 'app-warned' | 'quarantined';
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

type Alert = Pick<AlertRow, 'rule' | 'severity' | 'message' | 'hint'> & { readonly part?: string };

export const alertsProjection = defineProjection<AlertRow>({
  name: 'alerts',
  version: 2,
  keeps: 'table',
  apply: (rows, step, lab) => {
    const { event, before, after } = step;
    if (!after) return;
    if (after.kind === 'instance') {
      warn(rows, step as InstanceStep, lab);
      // That it found a place, or lost it, is told by its instance.
      const app = lab.get((after as ActorState<'instance'>).context.app);
      if (app) update(rows, event, app, [], lab);
    }
    update(rows, event, after, new Set([...partsOf(before), ...partsOf(after)]), lab);
    if (after.kind === 'app' && after.final) rows.delete(idOf(after.stream, 'app-warned'));
  },
  scope: (row) => ({ verb: 'read', kind: row.kind, namespace: row.namespace }),
});

const idOf = (stream: StreamId, rule: AlertRow['rule'], part?: string): string =>
  part === undefined ? `${stream}|${rule}` : `${stream}|${rule}|${part}`;

/** Of a node there may be several alerts of one rule: by the names of its pools. */
const partsOf = (actor: ActorState | undefined): readonly string[] =>
  actor?.kind === 'node' ? Object.keys((actor as ActorState<'node'>).context.fullPools) : [];

/** Puts what holds, and removes what does not hold any more. */
function update(rows: Rows<AlertRow>, event: LabEvent, actor: ActorState, parts: Iterable<string>, lab: LabView): void {
  const own: readonly AlertRow['rule'][] = Object.hasOwn(rulesOf, actor.kind) ? rulesOf[actor.kind as Ruled] : [];
  // This runs for every event, and most are of kinds that nothing is said of.
  if (own.length === 0 && actor.quarantined === null) return;
  const alerts = actor.final ? [] : alertsOf(actor, lab);
  const found = new Map(alerts.map((alert) => [idOf(actor.stream, alert.rule, alert.part), alert]));
  for (const rule of [...own, 'quarantined'] as const) {
    for (const part of rule === 'pool-full' ? parts : [undefined]) {
      const id = idOf(actor.stream, rule, part);
      const alert = found.get(id);
      if (alert) put(rows, event, actor, id, alert);
      else if (rows.get(id)) rows.delete(id);
    }
  }
}

function put(rows: Rows<AlertRow>, event: LabEvent, actor: ActorState, id: string, alert: Alert): void {
  const { rule, severity, message, hint } = alert;
  const { name, namespace } = actor.context.metadata;
  const known = rows.get(id);
  const since = known?.since ?? event.at;
  const { stream, kind } = actor;
  const row: AlertRow = { id, rule, severity, stream, kind, namespace, name, since, message, hint };
  if (JSON.stringify(row) !== JSON.stringify(known)) rows.put(id, row);
}

function alertsOf(actor: ActorState, lab: LabView): readonly Alert[] {
  const { name } = actor.context.metadata;
  if (actor.quarantined !== null) {
    return [
      {
        rule: 'quarantined',
        severity: 'critical',
        message: `The ${actor.kind} ${name} takes no more events: ${actor.quarantined}.`,
        hint: 'Upgrade FloatLab; a newer version folds its history again.',
      },
    ];
  }
  switch (actor.kind) {
    case 'app':
      return appAlerts(actor as ActorState<'app'>, name, lab);
    case 'volume':
      return volumeAlerts(actor as ActorState<'volume'>, name, lab);
    case 'node':
      return nodeAlerts(actor as ActorState<'node'>, name);
    default:
      return [];
  }
}

function appAlerts(app: ActorState<'app'>, name: string, lab: LabView): readonly Alert[] {
  const { problem } = app.context;
  const waiting = waitingOf(app, lab);
  const alerts: Alert[] = [];
  if (problem && (app.state === 'failed' || app.state === 'degraded')) {
    const isFailed = app.state === 'failed';
    alerts.push({
      rule: isFailed ? 'app-failed' : 'app-degraded',
      severity: isFailed ? 'critical' : 'warning',
      message: `App ${name} ${isFailed ? 'failed' : 'is degraded'}: ${problem.message}`,
      hint: problem.hint ?? null,
    });
  }
  if (waiting?.lasts) {
    const { message, hint } = waiting.problem;
    alerts.push({
      rule: 'app-waits',
      severity: 'critical',
      message: `App ${name} waits: ${message}`,
      hint: hint ?? null,
    });
  }
  return alerts;
}

function volumeAlerts(volume: ActorState<'volume'>, name: string, lab: LabView): readonly Alert[] {
  const { problem, full, app } = volume.context;
  const waiting = waitingOf(volume, lab);
  const alerts: Alert[] = [];
  if (volume.state === 'failed' && problem) {
    alerts.push({
      rule: 'volume-failed',
      severity: 'critical',
      message: `Volume ${name} failed: ${problem.message}`,
      hint: problem.hint ?? `Mend the cause, then: floatlab volume retry ${name}.`,
    });
  }
  // Of an app's volume the app says it.
  if (waiting?.lasts && app === null) {
    const { message, hint } = waiting.problem;
    alerts.push({
      rule: 'volume-waits',
      severity: 'warning',
      message: `Volume ${name} waits: ${message}`,
      hint: hint ?? null,
    });
  }
  if (full) {
    alerts.push({
      rule: 'volume-full',
      severity: 'warning',
      message: `Volume ${name} is nearly full: ${fillWords(full)}.`,
      hint: `Make it larger (floatlab volume set ${name} --size …), or remove what its app does not need.`,
    });
  }
  return alerts;
}

function nodeAlerts({ state, context }: ActorState<'node'>, name: string): readonly Alert[] {
  // Of a node that does not answer nobody knows more.
  if (state === 'down') {
    return [
      {
        rule: 'node-down',
        severity: 'critical',
        message: `Node ${name} does not answer.`,
        hint: 'Look at the machine: is it on, is its network up, does floatlabd run?',
      },
    ];
  }
  const alerts: Alert[] = Object.entries(context.fullPools).map(([pool, full]) => ({
    rule: 'pool-full',
    part: pool,
    severity: 'critical',
    message: `Pool ${pool} of node ${name} is nearly full: ${fillWords(full)}.`,
    hint: 'Remove snapshots or volumes, or make the pool larger.',
  }));
  if (context.facts.engine === null) {
    alerts.push({
      rule: 'engine-away',
      severity: 'critical',
      message: `The container engine of node ${name} does not answer.`,
      hint: 'Look at the machine: does its engine run? Nothing is started or watched there meanwhile.',
    });
  }
  return alerts;
}

/** When that was found: figures of the moment are not in the log. */
const fillWords = ({ usedBytes, sizeBytes }: Fill): string =>
  `${formatSize(usedBytes)} of ${formatSize(sizeBytes)} were used`;

type InstanceStep = Step & { readonly after: ActorState<'instance'> };

/** What an instance warned of belongs to its app, until one starts without it. */
function warn(rows: Rows<AlertRow>, { event, after }: InstanceStep, lab: LabView): void {
  if (event.type !== 'instance.warned' && event.type !== 'instance.started') return;
  const { app, node, warnings, metadata } = after.context;
  const id = idOf(app, 'app-warned');
  const [first, ...others] = warnings;
  if (!first) {
    if (rows.get(id)) rows.delete(id);
    return;
  }
  const actor = lab.get(app);
  if (!actor) return;
  const more = others.length === 0 ? '' : ` And ${others.length} more.`;
  put(rows, event, actor, id, {
    rule: 'app-warned',
    severity: 'warning',
    message: `App ${metadata.name} on ${refTo(lab, node)?.name ?? node}: ${first.message}${more}`,
    hint: first.hint ?? null,
  });
}
