/**
 * A pool of disks on one node, that FloatLab was told to manage. Its stream is `pool:<node>/<name>`.
 *
 * What moves all the time (how full it is, how far a scrub has come, counters of errors) is never an event: the nodes
 * tell it live. What they conclude from it, is.
 */
import * as z from 'zod';
import { event } from './define.ts';
import { metadata, problem } from './values/metadata.ts';
import { devicePath, poolDriver, poolLayout } from './values/pool.ts';
import { nodeRef } from './volume.ts';

const poolDeviceState = z.enum([
  'online',
  'degraded',
  'faulted',
  'offline',
  'removed',
  'unavailable',
  'suspended',
  'available',
  'in-use',
]);

const poolDevice = z.strictObject({
  /** As its file system calls it: a path, or a number when it is gone. */
  name: z.string().min(1).max(1024),
  role: z.enum(['data', 'special', 'dedup', 'log', 'cache', 'spare']),
  state: poolDeviceState,
  sizeBytes: z.int().min(0).exactOptional(),
  /** Where it was, of one that is gone. */
  was: z.string().max(1024).exactOptional(),
});
export type PoolDeviceFacts = z.infer<typeof poolDevice>;

/** Stable names of what can be wrong with a pool. */
export const poolProblemCode = z.enum([
  'pool-missing',
  'pool-silent',
  'pool-stopped',
  'pool-unavailable',
  'pool-read-only',
  'data-lost',
  'device-failed',
  'device-offline',
  'device-errors',
  'spare-in-use',
  'spare-failed',
  'resilvering',
  'mixed-redundancy',
  'scrub-old',
  'scrub-paused',
  'nearly-full',
  'disk-failing',
  'disk-worn',
  'disk-hot',
]);
export type PoolProblemCode = z.infer<typeof poolProblemCode>;

const poolProblem = z.strictObject({
  code: poolProblemCode,
  severity: z.enum(['warning', 'faulty']),
  /** Which device, where it is one. */
  device: z.string().max(1024).exactOptional(),
  text: z.string().max(1000),
  repair: z.string().max(1000),
});
export type PoolProblem = z.infer<typeof poolProblem>;

/** How it is, as far as that changes rarely. */
export const poolStatus = z.strictObject({
  state: z.enum(['online', 'degraded', 'unavailable']),
  /** Null where nobody knows, or there is none: a plain folder. */
  layout: poolLayout.nullable(),
  sizeBytes: z.int().min(0),
  devices: z.array(poolDevice).max(256),
  /** The worst first. */
  problems: z.array(poolProblem).max(256),
});
export type PoolStatus = z.infer<typeof poolStatus>;

/** The newest walk over everything in it that verifies what is there. */
export const poolScrub = z.strictObject({
  state: z.enum(['running', 'paused', 'canceled', 'finished']),
  startedAt: z.int().min(0).exactOptional(),
  endedAt: z.int().min(0).exactOptional(),
  /** What could not be put right; of one that has ended. */
  errors: z.int().min(0).exactOptional(),
  repairedBytes: z.int().min(0).exactOptional(),
});
export type PoolScrub = z.infer<typeof poolScrub>;

/** `usual`: what a node has that was told nothing; `given`: by --pool; `made` and `adopted`: by a person through the lab. */
export const poolOrigin = z.enum(['usual', 'given', 'made', 'adopted']);
export type PoolOrigin = z.infer<typeof poolOrigin>;

/** An absolute path, or the name of a zfs dataset. */
export const poolPlace = z.string().min(1).max(1024);

/** Disks and partitions, or one file whose space is reserved. Without a path its node chooses one. */
export const poolStorage = z.union([
  z.strictObject({ devices: z.array(devicePath).min(1).max(64) }),
  z.strictObject({ file: devicePath.exactOptional(), sizeBytes: z.int().min(1) }),
]);
export type PoolStorageSpec = z.infer<typeof poolStorage>;

export const scrubAction = z.enum(['start', 'pause', 'cancel']);

const empty = z.strictObject({});
const beginning = { metadata, node: nodeRef, driver: poolDriver };

export const poolEvents = {
  /** Its node has it: it was there when the node came, or was named at its start. */
  'pool.found': event(
    1,
    z.strictObject({
      ...beginning,
      origin: poolOrigin,
      where: poolPlace,
      status: poolStatus,
    }),
  ),
  'pool.requested': event(1, z.strictObject({ ...beginning, layout: poolLayout, on: poolStorage, erase: z.boolean() })),
  'pool.adoption-requested': event(1, z.strictObject({ ...beginning, where: poolPlace })),
  /** It is made, or taken over, and volumes can be kept in it. */
  'pool.opened': event(1, z.strictObject({ where: poolPlace, status: poolStatus })),
  /** It was not made, or not taken over. */
  'pool.failed': event(1, z.strictObject({ problem })),
  'pool.growth-requested': event(1, z.strictObject({ sizeBytes: z.int().min(1).exactOptional() })),
  'pool.devices-requested': event(
    1,
    z.strictObject({
      devices: z.array(devicePath).min(1).max(64),
      layout: poolLayout.exactOptional(),
      erase: z.boolean(),
    }),
  ),
  'pool.replacement-requested': event(
    1,
    z.strictObject({ old: z.string().min(1).max(1024), by: devicePath, erase: z.boolean() }),
  ),
  'pool.scrub-requested': event(1, z.strictObject({ action: scrubAction })),
  /** It is to forget the errors that it counted, to go on where it stopped, and to take writes again. */
  'pool.clearing-requested': event(1, empty),
  /** What was asked of it is done. */
  'pool.changed': event(1, z.strictObject({ status: poolStatus })),
  /** What was asked of it was not done; it goes on as it is. */
  'pool.change-failed': event(1, z.strictObject({ problem })),
  /** With a place: it was named at another one. */
  'pool.health-changed': event(1, z.strictObject({ status: poolStatus, where: poolPlace.exactOptional() })),
  /** It does not say any more what has changed in its volumes, so that nothing is snapshotted because of that; */
  'pool.changes-untold': event(1, z.strictObject({ problem })),
  /** it says so again, or nobody asks. */
  'pool.changes-told': event(1, empty),
  'pool.scrub-changed': event(1, z.strictObject({ scrub: poolScrub })),
  'pool.release-requested': event(1, empty),
  /** A person has said that its data is gone for good, with so many volumes. */
  'pool.lost': event(1, z.strictObject({ volumes: z.int().min(0) })),
  /** The lab manages it no more. What is in it stays. */
  'pool.forgotten': event(1, empty),
};
