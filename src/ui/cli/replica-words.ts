/** What is asked of the replicas of a volume, in words; and what a person types about that, read. */
import { formatDuration, parseDuration } from '#events/values/duration.ts';
import {
  maxDataLoss,
  mostReplicas,
  placingStrategy,
  replicationWindow,
  type ReplicationWindow,
  type VolumeReplicas,
} from '#events/values/replication.ts';
import { formatSize } from '#events/values/size.ts';
import type { ReplicaChanges } from '#actors/volume/replicating.ts';
import type { Command } from 'commander';
import { usageError } from './errors.ts';
import { labelWords } from './commands/app.ts';
import { labelsOf } from './labels.ts';
import { countOf } from './options.ts';
import { sizeOf } from './volume-values.ts';

/** `2, as soon as there is a snapshot, from 22:00 to 06:00, at most 10 MiB/s` */
export function replicationWords(wanted: VolumeReplicas): string {
  const { count, on, nodes, zones, window, limitBytesPerSecond, compress, strategy, maxDataLossMs } = wanted;
  return [
    String(count),
    on === 'change' ? 'as soon as there is a snapshot' : `${on.cron}${on.timeZone ? ` (${on.timeZone})` : ''}`,
    ...(nodes ? [`on nodes with ${labelWords(nodes)}`] : []),
    ...(zones ? ['each in another zone'] : []),
    ...(window ? [`from ${window.from} to ${window.to}`] : []),
    ...(limitBytesPerSecond === undefined ? [] : [`at most ${formatSize(limitBytesPerSecond)}/s`]),
    ...(compress ? ['compressed on the way'] : []),
    ...(strategy ? [strategy] : []),
    ...(maxDataLossMs === undefined ? [] : [`at most ${formatDuration(maxDataLossMs)} may be lost`]),
  ].join(', ');
}

export interface ReplicaOptions {
  readonly replicas?: string;
  readonly replicate?: string;
  readonly replicaNodeLabel?: readonly string[];
  readonly replicaZones?: string;
  readonly replicaLimit?: string;
  readonly replicaWindow?: string;
  readonly replicaCompress?: string;
  readonly replicaStrategy?: string;
  readonly maxDataLoss?: string;
}

export function replicaOptions(command: Command): void {
  command
    .option('--replicas <count>', 'how many copies the lab keeps on other nodes; 0: none by itself')
    .option('--replicate <when>', 'change (the default), or a cron line: "30 2 * * *"')
    .option('--replica-node-label <key=value...>', 'replicas only on nodes with these labels')
    .option('--replica-zones <how>', 'spread: each copy in another zone; any')
    .option('--replica-limit <size>', 'bytes a second for its streams: 10MiB; 0: no limit')
    .option('--replica-window <hours>', 'streams begin only then: 22:00-06:00; any')
    .option('--replica-compress <yes|no>', 'compress streams on their way')
    .option('--max-data-loss <span>', 'how much of what was written last may be lost: 5m; 0: nobody says')
    .option('--replica-strategy <how>', `where replicas go: ${placingStrategy.options.join(', ')}`);
}

/** @returns undefined when nothing is said; null: none any more. @throws CliError */
export function replicasOf(options: ReplicaOptions): ReplicaChanges | null | undefined {
  const { replicas, replicate, replicaNodeLabel, replicaZones, replicaLimit } = options;
  const { replicaWindow, replicaCompress, replicaStrategy, maxDataLoss: mayLose } = options;
  const more = {
    ...(replicate === undefined
      ? {}
      : { on: replicate === 'change' ? ('change' as const) : { cron: replicate.trim() } }),
    ...(replicaNodeLabel === undefined ? {} : { nodes: labelsOf(replicaNodeLabel, '--replica-node-label ') }),
    ...(replicaZones === undefined ? {} : { zones: oneOf(replicaZones, ['spread', 'any'], '--replica-zones') }),
    ...(replicaLimit === undefined
      ? {}
      : { limitBytesPerSecond: replicaLimit === '0' ? 0 : sizeOf(replicaLimit, '--replica-limit') }),
    ...(replicaWindow === undefined ? {} : { window: windowOf(replicaWindow) }),
    ...(replicaCompress === undefined
      ? {}
      : { compress: oneOf(replicaCompress, ['yes', 'no'], '--replica-compress') === 'yes' }),
    ...(replicaStrategy === undefined
      ? {}
      : { strategy: oneOf(replicaStrategy, placingStrategy.options, '--replica-strategy') }),
    ...(mayLose === undefined ? {} : { maxDataLossMs: lossOf(mayLose) }),
  };
  if (replicas === '0') {
    if (Object.keys(more).length > 0) throw usageError('--replicas 0 keeps none: leave the other options out.');
    return null;
  }
  const count = replicas === undefined ? {} : { count: countOf(replicas, '--replicas', mostReplicas) };
  const changes = { ...count, ...more };
  return Object.keys(changes).length === 0 ? undefined : changes;
}

function lossOf(text: string): number {
  if (text === '0') return 0;
  const read = maxDataLoss.safeParse(parseDuration(text));
  if (read.success) return read.data;
  throw usageError(`--max-data-loss ${text} is not a span from a second to a year.`, 'Write for example 5m, or 0.');
}

function windowOf(text: string): ReplicationWindow | null {
  if (text === 'any') return null;
  const [from, to, ...rest] = text.split('-');
  const window = replicationWindow.safeParse({ from, to });
  if (rest.length === 0 && window.success) return window.data;
  throw usageError(`--replica-window ${text} is not a window.`, 'Write for example 22:00-06:00, or any.');
}

function oneOf<T extends string>(text: string, allowed: readonly T[], option: string): T {
  const found = allowed.find((one) => one === text);
  if (found === undefined) throw usageError(`${option} ${text}: use one of ${allowed.join(', ')}.`);
  return found;
}
