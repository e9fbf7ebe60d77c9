/** A machine of the lab: who and what it is, whether it answers, whether it takes new work. */
import * as z from 'zod';
import { asItWas, event } from './define.ts';
import { metadata } from './values/metadata.ts';
import { labels } from './values/name.ts';
import { hostPath } from './values/path.ts';
import { incarnation, nodeRole, sha256, versionRange } from './values/peer.ts';
import { poolAbilities, poolDriver } from './values/pool.ts';
import { fill, poolName } from './volume.ts';

export const poolLimits = z.strictObject({
  fillPercent: z.int().min(1).max(100),
  reserveBytes: z.int().min(0),
});
export type PoolLimits = z.infer<typeof poolLimits>;

const poolFacts = z.strictObject({
  name: poolName,
  driver: poolDriver,
  sizeBytes: z.int().min(0),
  /** Nodes of before this was said do not say it. */
  can: poolAbilities.exactOptional(),
});

/** A disk as the kernel sees it. */
const deviceFacts = z.strictObject({
  name: z.string().min(1).max(64),
  sizeBytes: z.int().min(0),
  /** Null when it does not say. */
  model: z.string().max(128).nullable(),
  rotational: z.boolean(),
});

/** A file system of another machine that is mounted here. */
const shareFacts = z.strictObject({
  path: hostPath,
  source: z.string().min(1).max(1024),
  type: z.string().min(1).max(64),
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
  devices: z.array(deviceFacts).max(256).exactOptional(),
  shares: z.array(shareFacts).max(64).exactOptional(),
  /** What its version of FloatLab can do; unknown of nodes that never said. */
  supports: z.strictObject({ protocol: versionRange, fold: versionRange }).exactOptional(),
});
export type NodeFacts = z.infer<typeof nodeFacts>;

export const nodeAddresses = z.array(z.string().min(1).max(64)).max(64);
/** Where it listens for other nodes. */
export const nodePort = z.int().min(1).max(65_535);

const joining = {
  metadata,
  addresses: nodeAddresses,
  facts: nodeFacts,
  role: nodeRole.exactOptional(),
  port: nodePort.exactOptional(),
};

export const nodeEvents = {
  /** Before schema 2 a lab was one machine, which had to prove itself to nobody. */
  'node.joined': event(
    4,
    z.strictObject({ ...joining, keySha256: sha256.exactOptional(), incarnation: incarnation.exactOptional() }),
    { 1: asItWas, 2: asItWas, 3: asItWas },
  ),
  /** Without a token: it waits until a person says yes or no. */
  'node.asked-to-join': event(3, z.strictObject({ ...joining, keySha256: sha256, incarnation }), {
    1: asItWas,
    2: asItWas,
  }),
  /** It may join as soon as it asks again. */
  'node.approved': event(1, z.strictObject({})),
  'node.refused': event(1, z.strictObject({ because: z.string().max(500).exactOptional() })),
  /** It proves itself by another key from here on; the incarnation comes along where it was not known. */
  'node.rekeyed': event(1, z.strictObject({ keySha256: sha256, incarnation: incarnation.exactOptional() })),
  /** It lost its disk and is back: the same node to the lab, another peer to the consensus group. */
  'node.replaced': event(
    3,
    z.strictObject({ incarnation, keySha256: sha256, addresses: nodeAddresses, port: nodePort, facts: nodeFacts }),
    { 1: asItWas, 2: asItWas },
  ),
  'node.labelled': event(1, z.strictObject({ labels })),
  'node.role-changed': event(1, z.strictObject({ role: nodeRole })),
  'node.facts-changed': event(
    4,
    z.strictObject({ addresses: nodeAddresses, facts: nodeFacts, port: nodePort.exactOptional() }),
    { 1: asItWas, 2: asItWas, 3: asItWas },
  ),
  /** Null: the leader never heard of it. */
  'node.went-down': event(2, z.strictObject({ lastSeenAt: z.int().min(0).nullable() }), { 1: asItWas }),
  /**
   * It runs, and its clock is so far from the lab's that no certificate is good at both ends: no link holds. In
   * milliseconds; less than 0: behind.
   */
  'node.clock-differed': event(1, z.strictObject({ aheadMs: z.int() })),
  /** Its daemon was ended on purpose, and said so: what it runs goes on, and nobody watches it. */
  'node.stopped': event(1, z.strictObject({})),
  /** It has been down, or stopped, for so long that a voter is replaced. */
  'node.stayed-down': event(1, z.strictObject({})),
  'node.came-up': event(1, z.strictObject({})),
  'node.cordoned': event(1, z.strictObject({})),
  'node.uncordoned': event(1, z.strictObject({})),
  /** A pool of it is nearly full. */
  'node.pool-filled': event(1, fill.extend({ pool: poolName })),
  'node.pool-eased': event(1, fill.extend({ pool: poolName })),
  /** How much of a pool volumes may be promised: so many percent of it, without what is left to others. */
  'node.pool-limited': event(1, z.strictObject({ pool: poolName, ...poolLimits.shape })),
  /** It is on its way out: it leaves the consensus group first, and is out of the lab when it is out of that. */
  'node.departure-requested': event(1, z.strictObject({ as: z.enum(['left', 'removed']) })),
  /** It left by itself, or was asked to, and holds nothing. */
  'node.left': event(1, z.strictObject({})),
  'node.removed': event(1, z.strictObject({})),
};
