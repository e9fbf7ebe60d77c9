/** Why a replica does not go on at this moment, for whoever looks at it. What has failed says so by itself. */
import type { StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import { isAway } from '../node/known.ts';
import { dueOf } from './due.ts';
import { newestOf } from './known.ts';

export interface ReplicaWait {
  /** `node vega is away`: after `waits: `. */
  readonly words: string;
  /** Since when that is so, or until when it lasts, where that is known. */
  readonly since?: number;
  readonly until?: number;
}

/** Streams that one node receives at the same time: more only make each of them slower. */
export const mostAtOnce = 4;

/** Other replicas of its node that receive something. */
export const busyBeside = (
  { stream, context }: ActorState<'replica'>,
  lab: LabView,
): readonly ActorState<'replica'>[] =>
  lab.referrers(context.node, 'replica').filter((other) => other.stream !== stream && other.state === 'syncing');

/** @returns null when it waits for nothing */
export function waitOf(replica: ActorState<'replica'>, lab: LabView): ReplicaWait | null {
  const { state, since, context } = replica;
  const volume = lab.get(context.volume);
  if (state === 'paused') {
    const by = context.pausedBy?.slice(context.pausedBy.indexOf(':') + 1);
    return { words: by === undefined ? 'paused' : `paused by ${by}`, since };
  }
  if (state === 'failed' && context.problem?.code === 'DIVERGED')
    return { words: 'no common snapshot: somebody has to say what becomes of what only it has', since };
  if (!volume || (state !== 'idle' && state !== 'syncing' && state !== 'taking-over')) return null;
  const away = nodeAway([context.node, volume.context.node], lab);
  if (away) return away;
  if (state !== 'idle') return null;
  const newest = newestOf(volume, lab);
  if (newest && newest.context.guid === context.cursor?.guid) return null;
  if (volume.state !== 'ready' && !newest) return { words: `its volume is ${volume.state}`, since: volume.since };
  if (context.retryAt !== null && context.retryAt > lab.at)
    return { words: 'tries again after a failure', until: context.retryAt };
  const due = dueOf(replica, volume, lab);
  if (due && due.at > lab.at) return untilDue(volume, due.rule, due.at);
  if (!newest) return { words: 'its volume has no snapshot yet' };
  const busy = busyBeside(replica, lab);
  if (busy.length < mostAtOnce) return null;
  return { words: `other streams: ${busy.length} are received on its node, which is as many as go at once` };
}

function untilDue({ context }: ActorState<'volume'>, rule: string, until: number): ReplicaWait {
  const { window, on } = context.spec.replicas ?? {};
  if (window && (on === undefined || on === 'change' || !rule.startsWith('cron')))
    return { words: `the window opens at ${window.from}`, until };
  return { words: window ? `${rule}, from ${window.from} to ${window.to}` : rule, until };
}

function nodeAway(nodes: readonly (StreamId<'node'> | null)[], lab: LabView): ReplicaWait | undefined {
  for (const stream of nodes) {
    const node = stream === null ? undefined : lab.get(stream);
    if (node && isAway(node))
      return {
        words: `node ${node.context.metadata.name} ${node.state === 'stopped' ? 'was stopped' : 'is away'}`,
        since: node.since,
      };
  }
  return undefined;
}
