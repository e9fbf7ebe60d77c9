/** A machine of the lab: what it is, whether it answers, whether it takes new work. */
import { z } from 'zod';
import { event } from './define.ts';
import { metadata } from './values/metadata.ts';
import { fill } from './volume.ts';

const poolName = z.string().min(1).max(255);

const poolFacts = z.strictObject({
  name: poolName,
  driver: z.enum(['btrfs', 'zfs', 'dir']),
  sizeBytes: z.int().min(0),
});

/** Facts change rarely (a new disk, a new engine); figures that move all the time are never events. */
export const nodeFacts = z.strictObject({
  architecture: z.string().max(32),
  cpus: z.int().min(0),
  memoryBytes: z.int().min(0),
  os: z.string().max(128),
  kernel: z.string().max(128),
  engine: z.strictObject({ name: z.string().max(64), version: z.string().max(64) }).nullable(),
  pools: z.array(poolFacts).max(256),
  version: z.string().max(64),
});
export type NodeFacts = z.infer<typeof nodeFacts>;

const addresses = z.array(z.string().min(1).max(64)).max(64);

export const nodeEvents = {
  'node.joined': event(1, z.strictObject({ metadata, addresses, facts: nodeFacts })),
  'node.facts-changed': event(1, z.strictObject({ addresses, facts: nodeFacts })),
  'node.went-down': event(1, z.strictObject({ lastSeenAt: z.int().min(0) })),
  'node.came-up': event(1, z.strictObject({})),
  'node.cordoned': event(1, z.strictObject({})),
  'node.uncordoned': event(1, z.strictObject({})),
  /** A pool of it is nearly full. */
  'node.pool-filled': event(1, fill.extend({ pool: poolName })),
  'node.pool-eased': event(1, fill.extend({ pool: poolName })),
  'node.removed': event(1, z.strictObject({})),
};
