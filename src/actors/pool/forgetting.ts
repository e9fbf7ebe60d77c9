/** How people let a pool go: with what is in it left as it is, or given up because it is gone for good. */
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import { counted } from '../counted.ts';
import { draft, drafts, startOperation, systemNamespace, unchanged } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { refuseDecided } from '../volume/handover.ts';
import { lossOfPool } from '../volume/loss.ts';
import { schedulesOf } from './ending.ts';
import { refuseBusy, volumesIn, withPool } from './known.ts';
import { write } from './scopes.ts';

type Pool = ActorState<'pool'>;

const isIn = (store: Pick<Pool['context'], 'node'> & { readonly pool: string }, { context }: Pool): boolean =>
  store.node === context.node && store.pool === context.metadata.name;

export const forgettingDecisions: Decisions<'forget-pool'> = {
  'forget-pool': {
    scope: write,
    decide: (ask, lab) =>
      withPool(lab, ask.input, (pool, title) => {
        const { origin, metadata, node } = pool.context;
        if (pool.state === 'releasing') return unchanged;
        const held = volumesIn(metadata.name, node, lab);
        const replicas = lab.referrers(node, 'replica').filter(({ context }) => context.pool === metadata.name);
        const isHolding = held.length > 0 || replicas.length > 0;
        if (ask.input.force && isHolding) return declareLost(ask, pool, title, lab);
        if (isHolding && isGone(pool)) {
          const what = [
            ...(held.length > 0 ? [counted(held.length, 'volume')] : []),
            ...(replicas.length > 0 ? [counted(replicas.length, 'replica')] : []),
          ];
          return reject(
            'NOT_EMPTY',
            `Pool ${title} cannot be reached, and holds ${what.join(' and ')}.`,
            `If it is gone for good, they can be given up with it: floatlab pool forget ${title} --force.`,
          );
        }
        if (origin === 'usual')
          return reject(
            'BUILT_IN',
            `Pool ${title} is the one that every node has.`,
            'Name others with --pool at its start.',
          );
        if (origin === 'given' && pool.context.status?.problems.every(({ code }) => code !== 'pool-missing')) {
          return reject(
            'FIXED',
            `Pool ${title} is named with --pool at the start of node ${ask.input.node}.`,
            'Leave it out at the next start of that node: then it is forgotten by itself.',
          );
        }
        const [first] = held;
        if (first) {
          return reject(
            'NOT_EMPTY',
            `Pool ${title} still holds ${counted(held.length, 'volume')}, for example ${first.context.metadata.name}.`,
            'Move, release or delete them first. The data of a pool stays where it is when the pool is forgotten.',
          );
        }
        const target = lab
          .referrers(node, 'backup-target')
          .find(({ context: { spec } }) => spec.store.kind === 'pool' && isIn(spec.store, pool));
        if (target) {
          const { name } = target.context.metadata;
          return reject(
            'NOT_EMPTY',
            `Pool ${title} still holds backup target ${name}.`,
            `Remove that first: floatlab backup target rm ${name}. What lies there stays.`,
          );
        }
        if (replicas[0]) {
          return reject(
            'NOT_EMPTY',
            `Pool ${title} still holds ${counted(replicas.length, 'replica')}, for example ${replicas[0].context.metadata.name}.`,
            `Remove them first: floatlab replica rm ${replicas[0].context.metadata.name}.`,
          );
        }
        const busy = refuseBusy(pool, title);
        if (busy) return busy;
        return drafts(
          startOperation(ask, 'forget-pool', pool.stream, title, systemNamespace),
          draft(pool.stream, 'pool.release-requested', {}),
        );
      }),
  },
};

/** What its node has said last: it cannot be reached. */
const isGone = ({ context: { status } }: Pool): boolean => status?.state === 'unavailable';

/** A person says that what is in it is gone for good. Of one that can be read nobody may say so. */
function declareLost(ask: Ask<unknown>, pool: Pool, title: string, lab: LabView): Decision {
  if (!isGone(pool)) {
    return reject(
      'NOT_NOW',
      `Pool ${title} is ${pool.state}: what is in it can be read.`,
      `Move, release or delete its volumes. Only a pool that is unavailable is given up with them.`,
    );
  }
  const volumes = lab
    .referrers(pool.context.node, 'volume')
    .filter(({ context }) => context.pool === pool.context.metadata.name);
  const refused = refuseDecided(volumes, lab);
  if (refused) return refused;
  const { drafts: losses, changes } = lossOfPool(pool, title, lab);
  return {
    drafts: [
      startOperation(ask, 'forget-pool', pool.stream, title, systemNamespace),
      ...losses,
      ...schedulesOf(pool, lab),
      draft(pool.stream, 'pool.lost', { volumes: volumes.length }),
    ],
    changes,
  };
}
