/** Where a volume may be handed over to: a node that can have it with its app, and the replica there that takes its place. */
import type { AnyDraft, StreamId } from '#events/envelope.ts';
import type { ActorState, Ask, LabView } from '../actor.ts';
import { portsOf } from '../app/ports.ts';
import type { Commands } from '../commands.ts';
import { choose } from '../placement/choose.ts';
import { tiesOf } from '../placement/external.ts';
import { placeRefusal } from '../placement/constraints.ts';
import { chooseReplica, type Promised } from '../placement/replicas.ts';
import { reject } from '../rejection.ts';
import { isKept, replicasOf } from '../replica/known.ts';
import { requestedReplica } from '../replica/request.ts';
import { isLost } from './volume.ts';

type Volume = ActorState<'volume'>;
type Node = ActorState<'node'>;
type Refused = ReturnType<typeof reject>;

/** Whatever replica takes its place, and whoever goes along. */
export function refuseTarget({ context: { metadata, adopted } }: Volume, node: Node): Refused | undefined {
  const { name } = metadata;
  const to = node.context.metadata.name;
  if (adopted !== null)
    return reject(
      'ADOPTED',
      `Volume ${name} was adopted from ${adopted}, and FloatLab does not move what it did not make to another node.`,
      "Move it into another pool of its node first: then it is one of the lab's own.",
    );
  if (node.state !== 'up') return reject('NOT_NOW', `Node ${to} does not answer.`, 'Move it when the node is back.');
  return undefined;
}

/** What is fixed is no matter of another node. */
export function refuseOtherwise(
  { recordSizeBytes, compression }: Commands['move-volume'],
  { context }: Volume,
): Refused | undefined {
  if (recordSizeBytes === undefined && compression === undefined) return undefined;
  return reject(
    'INVALID',
    `Volume ${context.metadata.name} cannot be made otherwise while it goes to another node.`,
    'Move it first; then change how it is made on its new node.',
  );
}

/** The app goes along: it has to be able to run there, with all of its volumes. */
export function refuseAlone({ stream, context }: Volume, node: Node, lab: LabView): Refused | undefined {
  const app = context.app === null ? undefined : lab.get(context.app);
  if (!app) return undefined;
  const { name } = app.context.metadata;
  const others = Object.values(app.context.volumes)
    .filter((other) => other !== stream)
    .flatMap((other) => lab.get(other) ?? [])
    .filter(({ context: other }) => !isLost(other) && other.node !== null && other.node !== node.stream)
    .filter(({ context: other }) => other.handover?.node !== node.stream);
  const [first] = others;
  if (first)
    return reject(
      'NOT_NOW',
      `App ${name} uses volume ${first.context.metadata.name}, too, and runs only where all of its volumes are.`,
      `Move the app with all of them: floatlab app move ${name} --node ${node.context.metadata.name}.`,
    );
  return refuseApp(app, node, lab);
}

/** It has to be able to run there. */
export function refuseApp(app: ActorState<'app'>, node: Node, lab: LabView): Refused | undefined {
  const { name } = app.context.metadata;
  const to = node.context.metadata.name;
  const { candidates } = choose(lab, {
    needs: [],
    only: [node.stream],
    ties: tiesOf(app, lab),
    publishes: { app: app.stream, ports: portsOf(app.context.spec) },
  });
  const refused = candidates.find((one) => one.node === node.stream)?.refused;
  if (refused === undefined) return undefined;
  return reject(
    'NO_NODE_FITS',
    `App ${name} cannot run on ${to}: ${to} ${refused}.`,
    'Choose another node, or mend that first.',
  );
}

export interface Target {
  readonly replica: StreamId<'replica'>;
  readonly pool: string;
  /** That make it, where there is none yet. */
  readonly drafts: readonly AnyDraft[];
}

/**
 * The replica that is on the node, or a new one.
 * @param how.promised what the same command has made of others, which takes an id of it, too
 */
export function targetOf(
  ask: Ask<unknown>,
  volume: Volume,
  node: Node,
  lab: LabView,
  { pool: wanted, promised = [] }: { readonly pool?: string | undefined; readonly promised?: readonly Promised[] },
): Target | Refused {
  const { name } = volume.context.metadata;
  const there = replicasOf(volume.stream, lab).find(({ context }) => context.node === node.stream);
  if (there) {
    const { metadata, pool } = there.context;
    if (!isKept(there) || there.state === 'paused' || there.state === 'failed')
      return reject(
        'NOT_NOW',
        `Replica ${metadata.name}, which would take its place, is ${there.state}.`,
        `See what it does: floatlab replica show ${metadata.name}.`,
      );
    if (wanted !== undefined && wanted !== pool)
      return reject(
        'NOT_NOW',
        `Volume ${name} has its replica on ${node.context.metadata.name} in pool ${pool}, and not in ${wanted}.`,
        `Leave --pool out, or remove that replica first: floatlab replica rm ${metadata.name}.`,
      );
    return refusePool(volume, node, pool, lab) ?? { replica: there.stream, pool, drafts: [] };
  }
  const { place, candidates } = chooseReplica(volume, { node: node.stream, pool: wanted, promised }, lab);
  if (!place) {
    const why = candidates.find((one) => one.node === node.stream)?.refused ?? 'is not there';
    return reject(
      'NO_NODE_FITS',
      `Volume ${name} cannot be on ${node.context.metadata.name}: it ${why}.`,
      'Choose another node or pool, or make room.',
    );
  }
  // Where the lab keeps replicas by itself this one is one of them.
  const isManual = volume.context.spec.replicas === undefined;
  const made = requestedReplica(ask, volume, place, isManual, lab, 1 + promised.length);
  return (
    refusePool(volume, node, place.pool, lab) ?? {
      replica: made.stream as StreamId<'replica'>,
      pool: place.pool,
      drafts: [made],
    }
  );
}

/** A constraint on the pool follows, all others hold. */
function refusePool({ context }: Volume, node: Node, poolName: string, lab: LabView): Refused | undefined {
  const { constraints, recordSizeBytes } = context.spec;
  const pool = lab.get(node.stream)?.context.facts.pools.find(({ name }) => name === poolName);
  if (!pool) return undefined;
  const bound = constraints?.pool === undefined ? constraints : { ...constraints, pool: poolName };
  const why = placeRefusal({ constraints: bound, recordSizeBytes }, node, pool);
  if (why === undefined) return undefined;
  return reject(
    'NO_NODE_FITS',
    `Volume ${context.metadata.name} may not be there: ${why}.`,
    'Change its constraints first.',
  );
}
