import { leastFilePoolBytes } from './layouts.ts';
import { poolOrigin, poolPlace, poolScrub, poolStatus, scrubAction } from '#events/pool.ts';
import { problem } from '#events/values/metadata.ts';
import { name } from '#events/values/name.ts';
import { devicePath, poolDriver, poolLayout, poolRef } from '#events/values/pool.ts';
import * as z from 'zod';
import { visit } from '../drafting.ts';

/** Shorter than other names, and a letter first: it becomes the label of a file system, or the name of a zpool. */
const newPoolName = z
  .string()
  .regex(
    /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/,
    'not a name of a pool: use 1 to 32 of a–z, 0–9 and "-", beginning with a letter',
  )
  .refine(
    (text) => !/^(?:mirror|raidz|draid|spare|log|cache|special|dedup|replacing|indirect|missing)/.test(text),
    'zfs keeps this beginning for itself: choose another name',
  );

/** By the names of its node and of itself. */
const target = { node: name, name };
const report = { pool: poolRef, visit };

export const poolCommands = {
  'create-pool': z.strictObject({
    node: name,
    name: newPoolName,
    /** The one that has the layout, btrfs before zfs, when it is left out. */
    driver: z.enum(['btrfs', 'zfs']).exactOptional(),
    layout: poolLayout.default('single'),
    devices: z.array(devicePath).min(1).max(64).exactOptional(),
    /** In one file of this size, instead of on devices; where, its node knows. */
    sizeBytes: z
      .int()
      .min(leastFilePoolBytes, 'a pool in a file has at least 128 MiB on zfs, and 1 GiB on btrfs')
      .exactOptional(),
    file: devicePath.exactOptional(),
    /** What the devices hold is lost. */
    erase: z.boolean().default(false),
  }),
  'adopt-pool': z.strictObject({ node: name, name: newPoolName, driver: poolDriver, where: poolPlace }),
  /** `force`: also one that holds volumes, when it is gone for good: they are lost. */
  'forget-pool': z.strictObject({ ...target, force: z.boolean().default(false) }),
  'grow-pool': z.strictObject({ ...target, sizeBytes: z.int().min(1).exactOptional() }),
  'add-pool-devices': z.strictObject({
    ...target,
    devices: z.array(devicePath).min(1).max(64),
    layout: poolLayout.exactOptional(),
    erase: z.boolean().default(false),
  }),
  'replace-pool-device': z.strictObject({
    ...target,
    /** As the pool calls it, or where it is or was. */
    device: z.string().min(1).max(1024),
    by: devicePath,
    erase: z.boolean().default(false),
  }),
  'clear-pool': z.strictObject(target),
  'scrub-pool': z.strictObject({ ...target, action: scrubAction.default('start') }),

  /** What its node has found; only what is new becomes an event. */
  'report-pool': z.strictObject({
    pool: poolRef,
    driver: poolDriver,
    origin: poolOrigin,
    where: poolPlace,
    status: poolStatus,
    scrub: poolScrub.nullable(),
  }),
  /** Why it does not say what has changed in its volumes; null: it does, or nobody asks. */
  'report-pool-changes': z.strictObject({ pool: poolRef, problem: problem.nullable() }),
  /** Its node does not have it any more. */
  'report-pool-absent': z.strictObject({ pool: poolRef }),
  'report-pool-opened': z.strictObject({ ...report, where: poolPlace, status: poolStatus }),
  'report-pool-changed': z.strictObject({ ...report, status: poolStatus, scrub: poolScrub.nullable() }),
  'report-pool-failed': z.strictObject({ ...report, problem }),
  'report-pool-released': z.strictObject(report),
};
