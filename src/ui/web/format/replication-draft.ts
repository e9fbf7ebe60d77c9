/** How many replicas the lab keeps of a volume by itself, as a person writes it. */
import { formatDuration, parseDuration } from '#events/values/duration.ts';
import { maxDataLoss, mostReplicas, replicationWindow, type VolumeReplicas } from '#events/values/replication.ts';
import { formatSize, parseSize } from '#events/values/size.ts';
import type { ReplicaChanges } from '#actors/volume/replicating.ts';
import { cronInWords } from './cron-words.ts';
import { labelText, parseLabels } from './label-text.ts';
import { plainSpan } from './volume-draft.ts';
import { count } from './who.ts';

export interface ReplicationDraft {
  /** 0: none. */
  readonly count: string;
  /** Empty: as soon as there is a snapshot; else a cron line. */
  readonly cron: string;
  readonly nodes: string;
  readonly spread: boolean;
  /** Bytes a second, as a size; empty: no limit. */
  readonly limit: string;
  /** `22:00-06:00`; empty: at any time. */
  readonly window: string;
  readonly compress: boolean;
  /** How much of what was written last may be lost: `5m`; empty: nobody says. */
  readonly mayLose: string;
}

export const draftOf = (wanted: VolumeReplicas | null): ReplicationDraft => ({
  count: String(wanted?.count ?? 0),
  cron: !wanted || wanted.on === 'change' ? '' : wanted.on.cron,
  nodes: labelText(wanted?.nodes ?? {}),
  spread: wanted?.zones === 'spread',
  limit: wanted?.limitBytesPerSecond === undefined ? '' : formatSize(wanted.limitBytesPerSecond).replace(' ', ''),
  window: wanted?.window ? `${wanted.window.from}-${wanted.window.to}` : '',
  compress: wanted?.compress ?? false,
  mayLose: wanted?.maxDataLossMs === undefined ? '' : plainSpan(wanted.maxDataLossMs),
});

type ReplicationTroubles = Readonly<Partial<Record<keyof ReplicationDraft, string>>>;

/**
 * @param wanted as it is: a time zone of its schedule stays as long as the schedule does
 * @returns what a change sends, null: none any more; or what is wrong with it
 */
export function changesIn(
  draft: ReplicationDraft,
  wanted: VolumeReplicas | null,
): { readonly changes: ReplicaChanges | null } | { readonly troubles: ReplicationTroubles } {
  const replicas = /^\d{1,2}$/.test(draft.count.trim()) ? Number(draft.count) : Number.NaN;
  const limit = draft.limit.trim() === '' ? 0 : parseSize(draft.limit);
  const nodes = parseLabels(draft.nodes);
  const [from, to, ...rest] = draft.window.trim().split('-');
  const window = draft.window.trim() === '' ? null : replicationWindow.safeParse({ from, to }).data;
  const mayLose = draft.mayLose.trim() === '' ? 0 : maxDataLoss.safeParse(parseDuration(draft.mayLose.trim())).data;
  const cron = draft.cron.trim();
  const troubles: ReplicationTroubles = {
    ...(replicas >= 0 && replicas <= mostReplicas ? {} : { count: `Write a number from 0 to ${mostReplicas}.` }),
    ...(limit === 0 || (limit !== undefined && limit >= 1024) ? {} : { limit: 'Write a size, at least 1KiB: 10MiB.' }),
    ...(nodes === undefined ? { nodes: 'Write labels as key=value, with commas between.' } : {}),
    ...(window === undefined || rest.length > 0 ? { window: 'Write two times of day: 22:00-06:00.' } : {}),
    ...(mayLose === undefined ? { mayLose: 'Write a span from a second to a year: 5m.' } : {}),
    ...(cron === '' || cronInWords(cron) !== undefined || cron.split(/\s+/).length === 5
      ? {}
      : { cron: 'Write five fields: 30 2 * * *.' }),
  };
  if (limit === undefined || nodes === undefined || window === undefined || mayLose === undefined) return { troubles };
  if (Object.keys(troubles).length > 0) return { troubles };
  if (replicas === 0) return { changes: null };
  const zone = wanted && wanted.on !== 'change' ? wanted.on.timeZone : undefined;
  return {
    changes: {
      count: replicas,
      on: cron === '' ? 'change' : { cron, ...(zone === undefined ? {} : { timeZone: zone }) },
      nodes,
      zones: draft.spread ? 'spread' : 'any',
      limitBytesPerSecond: limit,
      window,
      compress: draft.compress,
      maxDataLossMs: mayLose,
    },
  };
}

/** `The lab keeps 2 replicas by itself, each brought up to date as soon as there is a snapshot.` */
export function replicationInWords(wanted: VolumeReplicas | null): string {
  if (!wanted) return 'The lab keeps no replica of it by itself.';
  const when =
    wanted.on === 'change'
      ? 'as soon as there is a snapshot'
      : (cronInWords(wanted.on.cron) ?? `by the schedule ${wanted.on.cron}`);
  const more = [
    ...(wanted.window ? [`from ${wanted.window.from} to ${wanted.window.to}`] : []),
    ...(wanted.maxDataLossMs === undefined
      ? []
      : [`an alert when more than ${formatDuration(wanted.maxDataLossMs)} would be lost`]),
    ...(wanted.limitBytesPerSecond === undefined ? [] : [`at most ${formatSize(wanted.limitBytesPerSecond)}/s`]),
  ];
  const also = more.length === 0 ? '' : ` (${more.join(', ')})`;
  return `The lab keeps ${count(wanted.count, 'replica')} by itself, brought up to date ${when}${also}.`;
}
