/**
 * Where a volume may be: on nodes with certain labels, in a pool of a certain name or driver, that can make it as it is
 * wanted. Each refusal says which of it does not hold. What no node of the lab can keep is refused at once, and not left
 * to wait for ever.
 */
import type { PoolAbilityFacts } from '#events/values/pool.ts';
import type { VolumeConstraints, VolumeSpec } from '#events/volume.ts';
import type { ActorState, LabView } from '../actor.ts';
import { runsApps } from '../node/known.ts';
import { reject, type Rejection } from '../rejection.ts';

interface Pool {
  readonly name: string;
  readonly driver: string;
  /** Undefined of a node that does not say: its driver finds out. */
  readonly can?: PoolAbilityFacts;
}

/** What decides which pool a volume may be in: its constraints, and how it is to be made. */
export interface Placing {
  readonly constraints?: VolumeConstraints | undefined;
  readonly recordSizeBytes?: number | undefined;
  readonly compression?: VolumeSpec['compression'] | undefined;
}

/** @returns why no volume with these may be on the node: `has not the label zone=attic`; undefined when it may */
export function nodeRefusal(constraints: VolumeConstraints | undefined, node: ActorState<'node'>): string | undefined {
  const { labels } = node.context.metadata;
  const lacking = Object.entries(constraints?.labels ?? {})
    .filter(([key, value]) => labels[key] !== value)
    .map(([key, value]) => `${key}=${value}`);
  if (lacking.length === 0) return undefined;
  return `lacks the ${lacking.length === 1 ? 'label' : 'labels'} ${lacking.toSorted().join(', ')}`;
}

/** @returns why the pool cannot make it as it is wanted: `has no compression lz4, but off and zstd` */
export function makeRefusal({ recordSizeBytes, compression }: Placing, { can }: Pool): string | undefined {
  if (!can) return undefined;
  if (recordSizeBytes !== undefined && !can.recordSize) return 'knows no record sizes';
  if (compression === undefined || can.compression.includes(compression)) return undefined;
  return `has no compression ${compression}${can.compression.length === 0 ? ', and no other' : `, but ${can.compression.join(', ')}`}`;
}

/** @returns why it may not be in the pool: `is btrfs, and not zfs`; undefined when it may */
export function poolRefusal(wish: Placing, pool: Pool): string | undefined {
  const { constraints } = wish;
  if (constraints?.pool !== undefined && constraints.pool !== pool.name) return `is not pool ${constraints.pool}`;
  if (constraints?.driver !== undefined && constraints.driver !== pool.driver)
    return `is on ${pool.driver}, and not on ${constraints.driver}`;
  return makeRefusal(wish, pool);
}

/** @returns why such a volume may not be in this place; undefined when it may */
export function placeRefusal(wish: Placing, node: ActorState<'node'>, pool: Pool): string | undefined {
  const ofNode = nodeRefusal(wish.constraints, node);
  if (ofNode !== undefined) return `node ${node.context.metadata.name} ${ofNode}`;
  const ofPool = poolRefusal(wish, pool);
  return ofPool === undefined ? undefined : `pool ${pool.name} of ${node.context.metadata.name} ${ofPool}`;
}

/** Why a node can keep none of it, whatever room there is. */
function whyNever(all: readonly Placing[], node: ActorState<'node'>): string | undefined {
  for (const wish of all) {
    const { constraints } = wish;
    const ofNode = nodeRefusal(constraints, node);
    if (ofNode !== undefined) return ofNode;
    const { pools } = node.context.facts;
    const refusals = pools.map((pool) => poolRefusal(wish, pool));
    if (refusals.includes(undefined)) continue;
    const named = pools.findIndex(({ name }) => name === constraints?.pool);
    if (named !== -1) return `has pool ${constraints?.pool}, which ${refusals[named]}`;
    if (constraints?.pool !== undefined) return `has no pool ${constraints.pool}`;
    const allowed = pools.filter((pool) => poolRefusal({ constraints }, pool) === undefined);
    if (allowed.length === 0)
      return constraints?.driver === undefined ? 'has no pool' : `has no pool on ${constraints.driver}`;
    return `has ${allowed.map((pool) => `pool ${pool.name}, which ${makeRefusal(wish, pool)}`).join(', and ')}`;
  }
  return undefined;
}

/**
 * What is to be on one node together.
 * @param what it is for: `volume photos-db`
 */
export function refuseConstraints(
  what: string,
  all: readonly Placing[],
  lab: LabView,
): { readonly rejected: Rejection } | undefined {
  const isFree = all.every(({ constraints }) => constraints === undefined || Object.keys(constraints).length === 0);
  const isPlain = all.every(
    ({ recordSizeBytes = null, compression = null }) => recordSizeBytes === null && compression === null,
  );
  if (isFree && isPlain) return undefined;
  const contradiction = contradictionIn(all);
  if (contradiction !== undefined) {
    return reject(
      'NO_NODE_FITS',
      `No node can ever keep ${what}: ${contradiction}.`,
      'Volumes of one app are on one node.',
    );
  }
  const nodes = lab.list('node').filter(runsApps);
  const refusals = nodes.map((node) => [node.context.metadata.name, whyNever(all, node)] as const);
  // Of a lab without nodes nobody knows what it will have.
  if (nodes.length === 0 || refusals.some(([, why]) => why === undefined)) return undefined;
  const reasons = refusals.map(([name, why]) => `${name} ${why}`).join('; ');
  if (isFree) {
    return reject(
      'UNSUPPORTED',
      `No pool can make ${what} as it is wanted: ${reasons}.`.slice(0, 2000),
      'Leave out what the pools do not know, or give the lab one that does (record sizes are of zfs).',
    );
  }
  return reject(
    'NO_NODE_FITS',
    `The constraints of ${what} fit nowhere: ${reasons}.`.slice(0, 2000),
    'Change the constraints, label a node (floatlab node label NODE key=value), or give it such a pool.',
  );
}

/** Two values of one label cannot both be on a node. */
function contradictionIn(all: readonly Placing[]): string | undefined {
  const wanted = new Map<string, string>();
  for (const { labels = {} } of all.flatMap(({ constraints }) => (constraints ? [constraints] : []))) {
    for (const [key, value] of Object.entries(labels)) {
      const other = wanted.get(key);
      if (other !== undefined && other !== value)
        return `one wants ${key}=${other} and another ${key}=${value} of the same node`;
      wanted.set(key, value);
    }
  }
  return undefined;
}
