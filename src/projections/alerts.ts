/**
 * What is wrong now. An alert is a row as long as its reason holds; that it was there stays in the activity. One object
 * may have several: a node can be without its engine and have a full pool.
 */
import type { ActorState, LabView, Step } from '#actors/actor.ts';
import { clusterStream } from '#actors/cluster/stream.ts';
import { halfRolledBack } from '#actors/volume/deletion.ts';
import { mendHint } from '#actors/volume/mending.ts';
import { isLost } from '#actors/volume/volume.ts';
import type { LabEvent, StreamId } from '#events/envelope.ts';
import { clockWords } from '#events/values/clock.ts';
import { formatSize } from '#events/values/size.ts';
import type { Fill } from '#events/volume.ts';
import { backupAlerts, backupRules, backupTargetAlerts, backupTargetRules } from './backup-alerts.ts';
import { concernsMembers, memberAlerts } from './member-alerts.ts';
import { isPoolRule, poolAlerts, poolParts, poolRules } from './pool-alerts.ts';
import { defineProjection, type Rows } from './projection.ts';
import { refTo } from './refs.ts';
import { replicaAlerts, replicaRules } from './replica-alerts.ts';
import { scheduleAlerts, scheduleRules } from './schedule-alerts.ts';
import { snapshotAlertOf, snapshotAlerts, snapshotRules } from './snapshot-alerts.ts';
import { waitingOf } from './waiting.ts';

/** What each kind can be alerted of by itself. What an instance warned of is another matter: see `warn`. */
const rulesOf = {
  cluster: ['voter-lost', 'voters-in-one-zone', 'versions-differ'],
  app: ['app-failed', 'app-degraded', 'app-waits'],
  volume: ['volume-failed', 'volume-waits', 'volume-full', 'volume-drifted', ...snapshotRules],
  node: ['node-waits', 'node-down', 'node-stopped', 'engine-away', 'pool-full'],
  pool: poolRules,
  replica: replicaRules,
  backup: backupRules,
  'backup-target': backupTargetRules,
  schedule: scheduleRules,
} as const;
type Ruled = keyof typeof rulesOf;

/** `info`: worth knowing; nobody has to do anything today. */
export type Severity = 'critical' | 'warning' | 'info';
/** The worst first. */
export const severities: readonly Severity[] = ['critical', 'warning', 'info'];

export interface AlertRow {
  /** Its key: object and rule, and what of the object where there are several. */
  readonly id: string;
  readonly rule: (typeof rulesOf)[Ruled][number] | 'app-warned' | 'quarantined';
  readonly severity: Severity;
  readonly stream: StreamId;
  readonly kind: ActorState['kind'];
  readonly namespace: string;
  readonly name: string;
  readonly since: number;
  /** One sentence that names the thing. */
  readonly message: string;
  readonly hint: string | null;
}

export type Alert = Pick<AlertRow, 'rule' | 'severity' | 'message' | 'hint'> & { readonly part?: string };

export const alertsProjection = defineProjection<AlertRow>({
  name: 'alerts',
  version: 9,
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
    if (after.kind === 'snapshot') {
      const told = snapshotAlertOf(step);
      const volume = told && lab.get(told.volume);
      if (volume && (told.begins || rows.get(idOf(volume.stream, told.rule)))) update(rows, event, volume, [], lab);
    }
    update(rows, event, after, new Set([...partsOf(before), ...partsOf(after)]), lab);
    if (after.kind === 'node' && before?.state !== after.state) {
      for (const pool of lab.referrers(after.stream, 'pool')) update(rows, event, pool, poolParts(pool), lab);
    }
    // Earlier ones that went wrong are made good by it.
    if (event.type === 'backup.verified' || event.type === 'backup.restore-tested') {
      const { volume } = (after as ActorState<'backup'>).context;
      const others = volume === null ? [] : lab.referrers(volume, 'backup');
      for (const other of others) if (other.stream !== after.stream) update(rows, event, other, [], lab);
    }
    const cluster = concernsMembers(step) ? lab.get(clusterStream) : undefined;
    if (cluster) update(rows, event, cluster, [], lab);
    if (after.kind === 'app' && after.final) rows.delete(idOf(after.stream, 'app-warned'));
  },
  scope: (row) => ({ verb: 'read', kind: row.kind, namespace: row.namespace }),
});

const idOf = (stream: StreamId, rule: AlertRow['rule'], part?: string): string =>
  part === undefined ? `${stream}|${rule}` : `${stream}|${rule}|${part}`;

/** Of a node there may be several alerts of one rule: by the names of its pools; and of a pool, by its devices. */
function partsOf(actor: ActorState | undefined): readonly string[] {
  if (actor?.kind === 'pool') return poolParts(actor as ActorState<'pool'>);
  return actor?.kind === 'node' ? Object.keys((actor as ActorState<'node'>).context.fullPools) : [];
}

/** Puts what holds, and removes what does not hold any more. */
function update(rows: Rows<AlertRow>, event: LabEvent, actor: ActorState, parts: Iterable<string>, lab: LabView): void {
  const own: readonly AlertRow['rule'][] = Object.hasOwn(rulesOf, actor.kind) ? rulesOf[actor.kind as Ruled] : [];
  // This runs for every event, and most are of kinds that nothing is said of.
  if (own.length === 0 && actor.quarantined === null) return;
  const alerts = actor.final ? [] : alertsOf(actor, lab);
  const found = new Map(alerts.map((alert) => [idOf(actor.stream, alert.rule, alert.part), alert]));
  for (const rule of [...own, 'quarantined'] as const) {
    for (const part of rule === 'pool-full' || isPoolRule(rule) ? parts : [undefined]) {
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
    case 'pool':
      return poolAlerts(actor as ActorState<'pool'>, lab);
    case 'backup':
      return backupAlerts(actor as ActorState<'backup'>, lab);
    case 'backup-target':
      return backupTargetAlerts(actor as ActorState<'backup-target'>);
    case 'schedule':
      return scheduleAlerts(actor as ActorState<'schedule'>, lab);
    case 'replica':
      return replicaAlerts(actor as ActorState<'replica'>, lab);
    case 'cluster':
      return memberAlerts(actor as ActorState<'cluster'>, lab);
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
  const { problem, drift, full, app } = volume.context;
  const waiting = waitingOf(volume, lab);
  const alerts: Alert[] = [];
  const isMissing = volume.state === 'missing';
  if ((volume.state === 'failed' || isMissing) && problem) {
    alerts.push({
      rule: 'volume-failed',
      severity: 'critical',
      message: isLost(volume.context)
        ? problem.message
        : `Volume ${name} ${isMissing ? 'is missing' : 'failed'}: ${problem.message}`,
      hint: mendHint(volume),
    });
  }
  // Of an app's volume the app says that it has no place.
  const isEnding = volume.state === 'deleting' || volume.state === 'releasing';
  if (waiting?.lasts && (app === null || isEnding)) {
    const { message, hint } = waiting.problem;
    alerts.push({
      rule: 'volume-waits',
      severity: 'warning',
      message: isEnding
        ? `Volume ${name} is not ${volume.state === 'deleting' ? 'deleted' : 'given back'} yet: ${message}`
        : `Volume ${name} waits: ${message}`,
      hint: hint ?? null,
    });
  }
  const half = volume.state === 'discarded' ? halfRolledBack(volume) : undefined;
  if (half) {
    alerts.push({
      rule: 'volume-waits',
      severity: 'warning',
      message: `Deleted volume ${name} is not purged. ${half.rejected.explain}`,
      hint: half.rejected.hint ?? null,
    });
  }
  if (drift) {
    alerts.push({
      rule: 'volume-drifted',
      severity: 'warning',
      message: `Volume ${name} is not as it should be: ${drift.message}`,
      hint: drift.hint ?? `Put it right: floatlab volume repair ${name}.`,
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
  return [...alerts, ...snapshotAlerts(volume, lab)];
}

function nodeAlerts({ state, context }: ActorState<'node'>, name: string): readonly Alert[] {
  if (state === 'waiting') {
    if (context.approved) return [];
    const where = context.addresses.length === 0 ? '' : ` from ${context.addresses.slice(0, 3).join(', ')}`;
    return [
      {
        rule: 'node-waits',
        severity: 'warning',
        message: `Node ${name} asks to join the lab${where}.`,
        hint: `Compare the key that it shows (${keyWords(context.keySha256)}), then: floatlab node approve ${name}, or floatlab node refuse ${name}.`,
      },
    ];
  }
  if (state === 'down' && context.clockAheadMs !== null) {
    return [
      {
        rule: 'node-down',
        severity: 'critical',
        message: `The clock of node ${name} is ${clockWords(context.clockAheadMs)}: it runs, and no link to it holds.`,
        hint: 'Set it on that machine (timedatectl set-ntp true): then it is back by itself.',
      },
    ];
  }
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
  if (state === 'stopped') {
    return [
      {
        rule: 'node-stopped',
        // A restart is nothing that needs somebody; one that does not come back is.
        severity: context.downLasts ? 'warning' : 'info',
        message: `Node ${name} was stopped on purpose: what it ran goes on there, and nobody watches it.`,
        hint: `Start it again (npm start on that machine), or remove it: floatlab node rm ${name}.`,
      },
    ];
  }
  const alerts: Alert[] = Object.entries(context.fullPools).map(([pool, full]) => ({
    rule: 'pool-full',
    part: pool,
    severity: 'critical',
    message: `Pool ${pool} of node ${name} is nearly full: ${fillWords(full)}.`,
    hint: `Make it larger (floatlab pool grow ${name}/${pool}), or remove snapshots or volumes.`,
  }));
  // A witness needs no engine.
  if (context.facts.engine === null && context.role !== 'witness') {
    alerts.push({
      rule: 'engine-away',
      severity: 'critical',
      message: `The container engine of node ${name} does not answer.`,
      hint: 'Look at the machine: does its engine run? Nothing is started or watched there meanwhile.',
    });
  }
  return alerts;
}

/** The beginning of a fingerprint, as people compare it. */
const keyWords = (key: string | null): string => key?.slice(0, 16).match(/.{4}/g)?.join(' ') ?? 'none';

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
