import type { ActorDef, ActorState } from '../actor.ts';
import type { WorkInput } from '../work.ts';
import type { PoolChange } from './machine.ts';

export const poolActor: ActorDef<'pool'> = {
  refersTo: ({ node }) => [node],

  settled: ({ state, context: { problem } }) => {
    if (state === 'online' || state === 'degraded' || state === 'unavailable' || state === 'failed')
      return problem ? { failed: problem } : { done: true };
    return undefined;
  },

  assignment: ({ context: { node, epoch } }) => ({ node, epoch }),

  inputs: {
    'create-pool': ({ context: { metadata, driver, spec } }) =>
      spec === null || driver === 'dir' ? undefined : { pool: metadata.name, driver, ...spec },
    'adopt-pool': ({ context: { metadata, driver, where } }) =>
      where === null ? undefined : { pool: metadata.name, driver, where },
    'release-pool': ({ context }) => ({ pool: context.metadata.name }),
    'grow-pool': (pool) => changeOf(pool, 'grow'),
    'add-pool-devices': (pool) => changeOf(pool, 'add'),
    'replace-pool-device': (pool) => changeOf(pool, 'replace'),
    'clear-pool': ({ context }) => ({ pool: context.metadata.name }),
    'scrub-pool': (pool) => changeOf(pool, 'scrub'),
  },
};

function changeOf<K extends PoolChange['kind']>(
  { context: { metadata, change } }: ActorState<'pool'>,
  kind: K,
): (WorkInput['release-pool'] & Extract<PoolChange, { kind: K }>) | undefined {
  if (change?.kind !== kind) return undefined;
  return { pool: metadata.name, ...(change as Extract<PoolChange, { kind: K }>) };
}
