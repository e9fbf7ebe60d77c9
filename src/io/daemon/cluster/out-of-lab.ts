/**
 * Whether the lab has gone on without this node: it left, was removed, or another disk has its place. Its own copy of the
 * history says so, if it got that far; else a majority of the voters that it knows, by not letting it in. One alone may
 * be behind itself, and not have heard of this node yet.
 */
import type { LabView } from '#actors/actor.ts';
import { clusterStream } from '#actors/cluster/stream.ts';
import { streamOf } from '#events/envelope.ts';
import type { LinkCode, LinkError } from '../../links/errors.ts';

export interface Belonging {
  /** As this node has folded it. */
  readonly lab: LabView | undefined;
  readonly self: string;
  readonly incarnation: string;
  /** As this node knows them. */
  readonly voters: readonly string[];
  /** Somebody has said that this node does not belong to the lab. */
  readonly isRefused: boolean;
  /** What a node says against this one now. */
  refusalOf(node: string): Promise<LinkError | undefined>;
}

const forGood: ReadonlySet<LinkCode> = new Set<LinkCode>(['NOT_ADMITTED', 'WRONG_KEY', 'WRONG_INCARNATION']);

export async function isOutOfLab({
  lab,
  self,
  incarnation,
  voters,
  isRefused,
  refusalOf,
}: Belonging): Promise<boolean> {
  const rest = voters.filter((node) => node !== self);
  // Who decides alone belongs to what it decides, also before it has written that down.
  if (rest.length === 0) return false;
  if (lab?.get(clusterStream) && lab.get(streamOf('node', self))?.context.incarnation !== incarnation) return true;
  if (!isRefused) return false;
  const refusals = await Promise.all(rest.map(refusalOf));
  return refusals.filter((refusal) => refusal && forGood.has(refusal.code)).length > rest.length / 2;
}
