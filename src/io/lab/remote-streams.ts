/**
 * Streams for replicas, between nodes: the node of a replica asks that of its volume.
 *
 *   replica/look      from what it can send: one message
 *   replica/stream    the stream: as fast as the reader takes it, within the limit for bulk
 *   replica/confirm   what the replica holds now: the rest needs no protection any more
 *   replica/attested  until when snapshots have everything, of all replicas of a node at once
 */
import * as z from 'zod';
import type { LabView } from '#actors/actor.ts';
import { idOf, streamOf } from '#events/envelope.ts';
import type { Attestation } from '../agent/attester.ts';
import type { AskedFor, ReplicaSource } from '../agent/replica-source.ts';
import type { Clock } from '../devices/clock/port.ts';
import { IoError } from '../devices/error.ts';
import type { StreamFormat } from '../devices/replication/port.ts';
import { asIoError, whoIs } from './elsewhere.ts';
import { limited } from './limited.ts';
import type { Others } from './others.ts';

const formats = ['zfs', 'btrfs', 'tree'] as const satisfies readonly StreamFormat[];
const id = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
const guid = z.string().min(1).max(64);
const asked = z.object({ replica: id });
const confirmed = asked.extend({ guid: guid.nullable() });
const wished = asked.extend({
  from: guid.exactOptional(),
  to: guid,
  token: z.string().min(1).max(16_384).exactOptional(),
  format: z.enum(formats),
  fractions: z.boolean(),
  compressed: z.boolean(),
  squeeze: z.boolean(),
});
/** As many as a volume may have snapshots, and more. */
const mostBases = 100_000;
const look = z.object({
  abilities: z.object({
    format: z.enum(formats),
    resume: z.boolean(),
    compressed: z.boolean(),
    raw: z.boolean(),
    bookmarks: z.boolean(),
  }),
  bases: z.array(z.object({ guid, kind: z.enum(['snapshot', 'bookmark']) })).max(mostBases),
});

/** As many as a node asks for in one message; and as many snapshots of each as anybody knows something of. */
const mostAsked = 1000;
const mostAttested = 100;
const askedTogether = z.object({ replicas: z.array(id).max(mostAsked) });
const attested = z.array(
  z.tuple([
    id,
    z.array(z.object({ guid, ageMs: z.number().min(0), bytes: z.number().min(0).exactOptional() })).max(mostAttested),
  ]),
);
/** One message every few seconds; a late answer says no more than the next one. */
const attestedRate = { perSecond: 2, burst: 40 };
const attestedWithinMs = 5000;

/** Each costs a walk over what the file system has; a node asks once or twice for each stream. */
const rate = { perSecond: 20, burst: 200 };

export interface RemoteStreamsParts {
  readonly local: ReplicaSource;
  readonly lab: LabView;
  readonly others: Others;
  readonly clock: Clock;
}

export function remoteStreams({ local, lab, others, clock }: RemoteStreamsParts): ReplicaSource {
  others.answer(
    'replica/look',
    limited(rate, clock, (said, from, signal) => {
      const { replica } = asked.parse(said);
      return local.look({ replica, by: streamOf('node', from) }, signal);
    }),
  );
  others.answer(
    'replica/confirm',
    limited(rate, clock, async (said, from, signal) => {
      const { replica, guid: held } = confirmed.parse(said);
      await local.confirm({ replica, by: streamOf('node', from) }, held, signal);
      return null;
    }),
  );
  others.answer(
    'replica/attested',
    limited(attestedRate, clock, async (said, from, signal) => {
      const { replicas } = askedTogether.parse(said);
      const by = streamOf('node', from);
      return [...(await local.attested({ node: streamOf('node', others.self), replicas, by }, signal))];
    }),
  );
  others.offer(
    'replica/stream',
    (params, from, signal) => {
      const { replica, ...wish } = wished.parse(params);
      return local.stream({ replica, by: streamOf('node', from) }, wish, signal);
    },
    'bulk',
  );

  /** The node that has the volume; undefined: this one. @throws IoError */
  const nodeOf = ({ replica }: AskedFor): string | undefined => {
    const volume = lab.get(streamOf('replica', replica))?.context.volume;
    const node = volume && lab.get(volume)?.context.node;
    if (node) return idOf(node) === others.self ? undefined : idOf(node);
    const message = 'its volume is nowhere';
    throw new IoError('MISSING', { op: 'receive', target: replica, message, hint: 'Look at its volume.' });
  };

  return {
    look: async (of, signal) => {
      const node = nodeOf(of);
      if (node === undefined) return local.look(of, signal);
      try {
        return look.parse(await others.ask(node, 'replica/look', { replica: of.replica }, signal));
      } catch (error) {
        throw asIoError(error, 'look at the volume', whoIs(lab, node));
      }
    },
    stream: async function* (of, wish, signal) {
      const node = nodeOf(of);
      if (node === undefined) return yield* local.stream(of, wish, signal);
      try {
        yield* others.read(node, 'replica/stream', { replica: of.replica, ...wish }, signal);
      } catch (error) {
        throw asIoError(error, 'receive', whoIs(lab, node));
      }
    },
    confirm: async (of, held, signal) => {
      const node = nodeOf(of);
      if (node === undefined) return local.confirm(of, held, signal);
      try {
        await others.ask(node, 'replica/confirm', { replica: of.replica, guid: held }, signal);
      } catch (error) {
        throw asIoError(error, 'confirm', whoIs(lab, node));
      }
    },
    attested: async ({ node: stream, replicas, by }, signal) => {
      const node = idOf(stream);
      if (node === others.self) return local.attested({ node: stream, replicas, by }, signal);
      const found = new Map<string, readonly Attestation[]>();
      const within = AbortSignal.any([signal, AbortSignal.timeout(attestedWithinMs)]);
      try {
        for (let n = 0; n < replicas.length; n += mostAsked) {
          const some = replicas.slice(n, n + mostAsked);
          const answer = attested.parse(await others.ask(node, 'replica/attested', { replicas: some }, within));
          for (const [replica, known] of answer) found.set(replica, known);
        }
      } catch (error) {
        throw asIoError(error, 'ask what was written', whoIs(lab, node));
      }
      return found;
    },
  };
}
