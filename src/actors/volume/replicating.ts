/** What a volume's specification says of its replicas: what a change makes of it, and what cannot be kept. */
import { volumeReplicas, type VolumeReplicas } from '#events/values/replication.ts';
import type { VolumeSpec } from '#events/volume.ts';
import * as z from 'zod';
import { reject } from '../rejection.ts';
import { checkCron, checkTimeZone } from '../schedule/next.ts';

const { count, nodes, on, limitBytesPerSecond, window, compress, strategy, maxDataLossMs } = volumeReplicas.shape;

/** What is not named stays; what says nothing is taken away. */
export const replicaChanges = z.strictObject({
  count: count.exactOptional(),
  on: on.exactOptional(),
  /** Empty: on any node. */
  nodes: nodes.unwrap().exactOptional(),
  zones: z.enum(['spread', 'any']).exactOptional(),
  /** 0: no limit. */
  limitBytesPerSecond: z.union([limitBytesPerSecond.unwrap(), z.literal(0)]).exactOptional(),
  window: window.unwrap().nullable().exactOptional(),
  compress: compress.unwrap().exactOptional(),
  strategy: strategy.unwrap().exactOptional(),
  /** 0: nobody says how much may be lost. */
  maxDataLossMs: z.union([maxDataLossMs.unwrap(), z.literal(0)]).exactOptional(),
});
export type ReplicaChanges = z.infer<typeof replicaChanges>;

const usual: VolumeReplicas = { count: 1, on: 'change' };

/** @param zones of the wish to leave them is `any` */
export function changedReplicas(before: VolumeReplicas | undefined, changes: ReplicaChanges): VolumeReplicas {
  const {
    nodes: where,
    zones: spread,
    limitBytesPerSecond: limit,
    window: hours,
    compress: squeeze,
    maxDataLossMs: mayLose,
    ...rest
  } = {
    ...usual,
    ...before,
    ...changes,
  };
  return {
    ...rest,
    ...(where === undefined || Object.keys(where).length === 0 ? {} : { nodes: where }),
    ...(spread === 'spread' ? { zones: spread } : {}),
    ...(limit === undefined || limit === 0 ? {} : { limitBytesPerSecond: limit }),
    ...(hours ? { window: hours } : {}),
    ...(squeeze === true ? { compress: true } : {}),
    ...(mayLose === undefined || mayLose === 0 ? {} : { maxDataLossMs: mayLose }),
  };
}

/** A line that never comes would hold up whoever waits for it. */
export function refuseReplicas(name: string, { replicas }: VolumeSpec): ReturnType<typeof reject> | undefined {
  if (!replicas || replicas.on === 'change') return undefined;
  const { cron, timeZone } = replicas.on;
  const wrong = checkCron(cron) ?? (timeZone === undefined ? undefined : checkTimeZone(timeZone));
  return wrong === undefined ? undefined : reject('INVALID', `Replicas of volume ${name}: ${wrong}`);
}
