/** Finding a pool by its name, and whether anything can be asked of it now. */
import type { StreamId } from '#events/envelope.ts';
import type { ActorState, Decision, LabView } from '../actor.ts';
import { isAway, withMember } from '../node/known.ts';
import { reject, type Rejection } from '../rejection.ts';
import { poolStream } from './stream.ts';

type Pool = ActorState<'pool'>;
export type Refusal = { readonly rejected: Rejection };

/** Those that are in it, and those on their way into it. */
export const volumesIn = (pool: string, node: StreamId<'node'>, lab: LabView): readonly ActorState<'volume'>[] =>
  lab.referrers(node, 'volume').filter(({ context }) => context.pool === pool || context.move?.pool === pool);

export const away = (node: string): Refusal =>
  reject('NOT_NOW', `Node ${node} does not answer: nothing can be done to its disks now.`, 'Bring it back first.');

export function withPool(
  lab: LabView,
  { node: nodeName, name }: { readonly node: string; readonly name: string },
  then: (pool: Pool, title: string) => Decision,
): Decision {
  return withMember(lab, nodeName, (node) => {
    const pool = lab.get(poolStream(node.stream, name));
    if (!pool) {
      return reject('NOT_FOUND', `Node ${nodeName} has no pool ${name}.`, 'floatlab pool ls shows what is there.');
    }
    return isAway(node) ? away(nodeName) : then(pool, `${nodeName}/${name}`);
  });
}

/** One that is there, and of which nothing else is asked. */
export const withWorkingPool: typeof withPool = (lab, named, then) =>
  withPool(lab, named, (pool, title) => {
    if (pool.context.driver === 'dir') {
      return reject(
        'UNSUPPORTED',
        `Pool ${title} is a plain folder: it has no devices of its own.`,
        'Look after the file system that it lies on by its own means.',
      );
    }
    return refuseBusy(pool, title) ?? then(pool, title);
  });

export function refuseBusy(pool: Pool, title: string): Refusal | undefined {
  if (['online', 'degraded', 'unavailable', 'failed'].includes(pool.state)) return undefined;
  return reject('NOT_NOW', `Pool ${title} is ${pool.state}.`, 'Wait until that is done.');
}
