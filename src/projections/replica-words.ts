/** What happens to replicas, as sentences. */
import type { ActorState, LabView } from '#actors/actor.ts';
import type { EventOf } from '#events/envelope.ts';
import type { EventType } from '#events/registry.ts';
import { formatDuration } from '#events/values/duration.ts';
import { formatSize } from '#events/values/size.ts';
import { refTo } from './refs.ts';
import type { About } from './words.ts';

type ReplicaWords = {
  readonly [T in Extract<EventType, `replica.${string}`>]: (event: EventOf<T>, about: About) => string;
};

const nameOf = (lab: LabView, stream: Parameters<typeof refTo>[1]): string => refTo(lab, stream)?.name ?? '?';
const replica = ({ actor }: About) => (actor as ActorState<'replica'>).context;

/** `The replica of photos-data on vega` */
function subject(about: About): string {
  const { volume, node, metadata } = replica(about);
  // Of a volume that is gone the replica's own name tells.
  const known = about.lab.get(volume)?.context.metadata.name;
  return known === undefined ? `Replica ${metadata.name}` : `The replica of ${known} on ${nameOf(about.lab, node)}`;
}

export const replicaWords: ReplicaWords = {
  'replica.requested': ({ data }, { lab, v }) =>
    `A replica of ${nameOf(lab, data.volume)} ${v('was', 'would be')} asked for on ${nameOf(lab, data.node)}, pool ${data.pool}.`,
  'replica.sync-requested': ({ data }, about) =>
    `${subject(about)} ${about.v('is being', 'would be')} brought to ${data.to.name}${data.full ? ', with everything' : ''}.`,
  'replica.synced': ({ data }, about) => {
    const { cursor } = replica(about);
    return `${subject(about)} ${about.v('holds', 'would hold')} ${cursor?.name ?? 'a snapshot'} (${formatSize(data.bytes)} came).`;
  },
  'replica.sync-failed': ({ data }, about) =>
    `${subject(about)} ${about.v('could not', 'would not')} be brought up to date: ${data.problem.message}`,
  'replica.sync-cancelled': (_, about) =>
    `A sync was ended: ${lower(subject(about))} ${about.v('stays', 'would stay')} as it is.`,
  'replica.paused': (_, about) => `${subject(about)} ${about.v('was', 'would be')} paused.`,
  'replica.resumed': (_, about) => `${subject(about)} ${about.v('goes', 'would go')} on.`,
  'replica.fell-behind': (_, about) => `${subject(about)} ${about.v('has', 'would have')} been behind for too long.`,
  'replica.loss-exceeded': ({ data }, about) =>
    `With ${lower(subject(about))} ${about.v('more may', 'more would')} be lost than the ${formatDuration(data.maxMs)} that its volume allows${data.lossMs === null ? '' : `: ${formatDuration(data.lossMs)}`}.`,
  'replica.loss-recovered': (_, about) =>
    `With ${lower(subject(about))} no more ${about.v('may', 'would')} be lost than its volume allows.`,
  'replica.resync-requested': ({ data }, about) =>
    `What only ${lower(subject(about))} has ${about.v('is being', 'would be')} ${data.keep ? 'put aside' : 'destroyed'}.`,
  'replica.resynced': ({ data }, about) =>
    data.cursor === null
      ? `${subject(about)} ${about.v('begins', 'would begin')} anew.`
      : `${subject(about)} ${about.v('is', 'would be')} back at ${data.cursor.name}, and ${about.v('goes', 'would go')} on from there.`,
  'replica.resync-failed': ({ data }, about) =>
    `${subject(about)} ${about.v('stays', 'would stay')} as it is: ${data.problem.message}`,
  'replica.orphaned': (_, about) =>
    `${subject(about)} ${about.v('is', 'would be')} all that is left of its volume: nobody removes it but you.`,
  'replica.takeover-began': (_, about) =>
    `${subject(about)} ${about.v('takes', 'would take')} the place of its volume.`,
  'replica.takeover-ended': (_, about) => `${subject(about)} ${about.v('stays', 'would stay')} a replica.`,
  'replica.promoted': (_, about) => `${subject(about)} ${about.v('is', 'would be')} the volume now.`,
  'replica.removal-requested': ({ data }, about) =>
    `${subject(about)} ${about.v('is being', 'would be')} removed: ${data.because}.`,
  'replica.removed': (_, about) => `${subject(about)} ${about.v('was', 'would be')} removed.`,
};

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
