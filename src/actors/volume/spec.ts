/** What may become of a volume's specification: what a change makes of it, what is fixed, and where it may be by it. */
import { formatSize } from '#events/values/size.ts';
import type { VolumeSpec } from '#events/volume.ts';
import type { ActorState, LabView } from '../actor.ts';
import type { Commands } from '../commands.ts';
import { changedReplicas } from './replicating.ts';
import { placeRefusal } from '../placement/constraints.ts';
import { reject } from '../rejection.ts';

type Changes = Commands['change-volume'];

/** What is left out stays; what says nothing is taken away. */
export function changedSpec(
  before: VolumeSpec,
  { name: _, namespace: __, replicas: wanted, ...changes }: Changes,
): VolumeSpec {
  const { keep, growToBytes, constraints, snapshotOnChange, hooks, ...rest } = { ...before, ...changes };
  const { replicas: known, ...spec } = rest;
  const replicas = wanted === undefined ? known : wanted === null ? undefined : changedReplicas(known, wanted);
  return {
    ...spec,
    ...(keep === undefined || keep === '' ? {} : { keep }),
    ...(growToBytes === undefined || growToBytes === 0 ? {} : { growToBytes }),
    ...(constraints === undefined || Object.keys(constraints).length === 0 ? {} : { constraints }),
    ...(snapshotOnChange ? { snapshotOnChange } : {}),
    ...(hooks ? { hooks } : {}),
    ...(replicas ? { replicas } : {}),
  };
}

/** Room to grow counts the size in: less than that would keep nothing. */
export function refuseGrowTo(
  name: string,
  { sizeBytes, growToBytes = 0 }: VolumeSpec,
): ReturnType<typeof reject> | undefined {
  if (growToBytes === 0 || growToBytes >= sizeBytes) return undefined;
  return reject(
    'INVALID',
    `Volume ${name} has ${formatSize(sizeBytes)} already, and would be kept room for ${formatSize(growToBytes)}.`,
    'Room to grow counts its size in: choose more than that, or leave it out.',
  );
}

/** Where it is it may not be, by other constraints. */
export function misplacedBy(
  { context }: ActorState<'volume'>,
  { constraints }: VolumeSpec,
  lab: LabView,
): ReturnType<typeof reject> | undefined {
  if (constraints === undefined || isSameValue(constraints, context.spec.constraints ?? {})) return undefined;
  const node = context.node === null ? undefined : lab.get(context.node);
  const pool = node?.context.facts.pools.find(({ name }) => name === context.pool);
  if (!node || !pool) return reject('NOT_NOW', `Where volume ${context.metadata.name} is, is not known now.`);
  const why = placeRefusal({ constraints }, node, pool);
  if (why === undefined) return undefined;
  return reject(
    'MOVE_FIRST',
    `Volume ${context.metadata.name} is where it may not be by these constraints: ${why}.`,
    `Move it first: floatlab volume move ${context.metadata.name} --pool POOL.`,
  );
}

/** In any order of their keys. */
export const isSameValue = (one: object, other: object): boolean => sorted(one) === sorted(other);

export const isSameSpec = (one: VolumeSpec, other: VolumeSpec): boolean => isSameValue(one, other);

const sorted = (of: unknown): string =>
  JSON.stringify(of, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

/** What was written stays as it was: these cannot be changed where the volume is. */
const fixedKeys = { recordSizeBytes: 'record size', compression: 'compression' } as const;

export function fixedOf({ context }: ActorState<'volume'>, spec: VolumeSpec): ReturnType<typeof reject> | undefined {
  const { name } = context.metadata;
  const hints = {
    recordSizeBytes: `Move it into a new dataset: floatlab volume move ${name} --record-size SIZE.`,
    compression: `Move it into a new dataset: floatlab volume move ${name} --compression HOW.`,
  };
  for (const key of Object.keys(fixedKeys) as (keyof typeof fixedKeys)[]) {
    if (spec[key] === context.spec[key]) continue;
    return reject(
      'FIXED',
      `The ${fixedKeys[key]} of volume ${name} cannot be changed: what was written stays as it is.`,
      hints[key],
    );
  }
  return undefined;
}
