/**
 * Where a volume may be: on nodes with certain labels, in a pool of a certain name or driver. Each refusal says which of
 * it does not hold. What no node of the lab can keep is refused at once, and not left to wait for ever.
 */
import type { VolumeConstraints } from '#events/volume.ts';
import type { ActorState, LabView } from '../actor.ts';
import { runsApps } from '../node/known.ts';
import { reject, type Rejection } from '../rejection.ts';

interface Pool {
  readonly name: string;
  readonly driver: string;
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

/** @returns why it may not be in the pool: `is btrfs, and not zfs`; undefined when it may */
export function poolRefusal(constraints: VolumeConstraints | undefined, pool: Pool): string | undefined {
  if (constraints?.pool !== undefined && constraints.pool !== pool.name) return `is not pool ${constraints.pool}`;
  if (constraints?.driver !== undefined && constraints.driver !== pool.driver)
    return `is on ${pool.driver}, and not on ${constraints.driver}`;
  return undefined;
}

/** @returns why a volume with these may not be in this place; undefined when it may */
export function placeRefusal(
  constraints: VolumeConstraints | undefined,
  node: ActorState<'node'>,
  pool: Pool,
): string | undefined {
  const ofNode = nodeRefusal(constraints, node);
  if (ofNode !== undefined) return `node ${node.context.metadata.name} ${ofNode}`;
  const ofPool = poolRefusal(constraints, pool);
  return ofPool === undefined ? undefined : `pool ${pool.name} of ${node.context.metadata.name} ${ofPool}`;
}

/** Why a node can keep none of it, whatever room there is. */
function whyNever(all: readonly (VolumeConstraints | undefined)[], node: ActorState<'node'>): string | undefined {
  for (const constraints of all) {
    const ofNode = nodeRefusal(constraints, node);
    if (ofNode !== undefined) return ofNode;
    const { pools } = node.context.facts;
    const refusals = pools.map((pool) => poolRefusal(constraints, pool));
    if (refusals.includes(undefined)) continue;
    const named = pools.findIndex(({ name }) => name === constraints?.pool);
    if (named !== -1) return `has pool ${constraints?.pool}, which ${refusals[named]}`;
    return constraints?.pool === undefined
      ? `has no pool on ${constraints?.driver}`
      : `has no pool ${constraints.pool}`;
  }
  return undefined;
}

/**
 * What is to be on one node together.
 * @param what it is for: `volume photos-db`
 */
export function refuseConstraints(
  what: string,
  all: readonly (VolumeConstraints | undefined)[],
  lab: LabView,
): { readonly rejected: Rejection } | undefined {
  if (all.every((constraints) => constraints === undefined || Object.keys(constraints).length === 0)) return undefined;
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
  return reject(
    'NO_NODE_FITS',
    `The constraints of ${what} fit nowhere: ${reasons}.`.slice(0, 2000),
    'Change the constraints, label a node (floatlab node label NODE key=value), or give it such a pool.',
  );
}

/** Two values of one label cannot both be on a node. */
function contradictionIn(all: readonly (VolumeConstraints | undefined)[]): string | undefined {
  const wanted = new Map<string, string>();
  for (const { labels = {} } of all.flatMap((constraints) => (constraints ? [constraints] : []))) {
    for (const [key, value] of Object.entries(labels)) {
      const other = wanted.get(key);
      if (other !== undefined && other !== value)
        return `one wants ${key}=${other} and another ${key}=${value} of the same node`;
      wanted.set(key, value);
    }
  }
  return undefined;
}
