/**
 * What the node of a volume does for the nodes of its replicas: says from what it can send, protects both ends of a
 * stream, sends it, and lets go of what nobody needs once the other end has it.
 *
 * It believes its own lab and nobody else: who asks must be the node of that replica, and what is asked for a snapshot of
 * that volume. What is not known here yet may be so soon: whoever asks comes again.
 */
import { datasetOf } from '#actors/volume/actor.ts';
import type { LabView } from '#actors/actor.ts';
import { streamOf, type StreamId } from '#events/envelope.ts';
import type { Call } from '../devices/call.ts';
import type { Clock } from '../devices/clock/port.ts';
import { IoError } from '../devices/error.ts';
import { abilitiesOf } from '../devices/replication/formats.ts';
import type { Base, ReplicationPort, StreamAbilities, StreamFormat } from '../devices/replication/port.ts';
import type { Dataset } from '../devices/volumes/port.ts';
import { TokenBucket } from '../links/token-bucket.ts';
import type { Attestation, Attester } from './attester.ts';
import { squeezed } from './squeezed.ts';

/** Of a replica, by its id, for the node that has it. */
export interface AskedFor {
  readonly replica: string;
  readonly by: StreamId<'node'>;
}

export interface SourceLook {
  /** Of the streams that the file system of the volume has itself; any volume is sent file by file, too. */
  readonly abilities: StreamAbilities;
  /** Guids that a stream can be based on, the oldest first, and which of them are whole snapshots. */
  readonly bases: readonly Pick<Base, 'guid' | 'kind'>[];
}

/** A stream, by what it makes of what; of one that goes on where it ended, with its token. */
export interface StreamWish {
  readonly from?: string;
  readonly to: string;
  readonly token?: string;
  readonly format: StreamFormat;
  /** Of files: the replica keeps fractions of seconds. */
  readonly fractions: boolean;
  /** As the file system has compressed it. */
  readonly compressed: boolean;
  /** Compressed once more, for the way. */
  readonly squeeze: boolean;
}

/** Throws IoError, or what links throw. */
export interface ReplicaSource {
  look(of: AskedFor, signal: AbortSignal): Promise<SourceLook>;
  stream(of: AskedFor, wish: StreamWish, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** It holds this snapshot now, and needs no other one; null: it needs none any more. */
  confirm(of: AskedFor, guid: string | null, signal: AbortSignal): Promise<void>;
  /**
   * Until when the snapshots of their volumes have everything, of all replicas of the asking node whose volumes one node
   * has, at once. What that node does not know is not in the answer.
   */
  attested(of: AskedTogether, signal: AbortSignal): Promise<ReadonlyMap<string, readonly Attestation[]>>;
}

/** Of replicas, by their ids, for the node that has them. */
export interface AskedTogether {
  /** That has their volumes. */
  readonly node: StreamId<'node'>;
  readonly replicas: readonly string[];
  readonly by: StreamId<'node'>;
}

const lookMs = 120_000;
/** Longest silence of a stream: a file system may look for what is different for long before it says a word. */
const silenceMs = 600_000;

/**
 * @param portOf what a node that runs here has; undefined: it does not run here
 * @param attesterOf likewise
 */
export function replicaSource(
  lab: LabView,
  portOf: (node: StreamId<'node'>) => ReplicationPort | undefined,
  clock: Clock,
  attesterOf: (node: StreamId<'node'>) => Attester | undefined = () => undefined,
): ReplicaSource {
  const admit = ({ replica, by }: AskedFor): { readonly of: Dataset; readonly port: ReplicationPort; peer: string } => {
    const actor = lab.get(streamOf('replica', replica));
    const volume = actor && lab.get(actor.context.volume);
    const dataset = volume && datasetOf(volume);
    const port = volume?.context.node ? portOf(volume.context.node) : undefined;
    if (actor && actor.context.node !== by) throw refusal('PERMISSION', replica, 'it is the replica of another node');
    if (!actor || !dataset || !port) throw refusal('BUSY', replica, 'this node does not have its volume');
    return { of: { pool: dataset.pool, name: dataset.dataset }, port, peer: replica };
  };
  const isOfVolume = (replica: string, guid: string): boolean => {
    const volume = lab.get(streamOf('replica', replica))?.context.volume;
    const known = volume === undefined ? [] : lab.referrers(volume, 'snapshot');
    return known.some(({ state, context }) => context.guid === guid && state === 'available');
  };
  const limitOf = (replica: string): number | undefined => {
    const volume = lab.get(streamOf('replica', replica))?.context.volume;
    return volume && lab.get(volume)?.context.spec.replicas?.limitBytesPerSecond;
  };
  const isHandedOver = (replica: string): boolean => {
    const volume = lab.get(streamOf('replica', replica))?.context.volume;
    return volume !== undefined && (lab.get(volume)?.context.handover ?? null) !== null;
  };
  const callWith = (signal: AbortSignal, timeoutMs: number): Call => ({ signal, timeoutMs, progress: () => {} });

  return {
    look: async (asked, signal) => {
      const { of, port } = admit(asked);
      const call = callWith(signal, lookMs);
      const [abilities, found] = await Promise.all([port.abilities(of.pool, call), port.bases(of, call)]);
      // On its way to another node it is a replica already, which nobody can write, and sends what is left.
      if (!found || (found.role !== 'volume' && !isHandedOver(asked.replica)))
        throw refusal('MISSING', asked.replica, 'the dataset of its volume is not there');
      return { abilities: abilitiesOf(abilities, found), bases: found.all.map(({ guid, kind }) => ({ guid, kind })) };
    },

    stream: async function* (asked, { from, to, token, format, fractions, compressed, squeeze }, signal) {
      const { of, port, peer } = admit(asked);
      if (!isOfVolume(asked.replica, to))
        throw refusal('MISSING', asked.replica, `its volume has no snapshot ${to} any more`);
      const call = callWith(signal, lookMs);
      if (token !== undefined) {
        await port.protect(of, to, peer, call);
        if (from !== undefined && (await hasSnapshot(port, of, from, call))) await port.protect(of, from, peer, call);
      }
      const what = token === undefined ? { to, ...(from === undefined ? {} : { from }) } : { resume: token };
      const how = { format, fractions, compressed, raw: false, ...(token === undefined ? { peer } : {}) };
      const sent = await port.send(of, what, how, callWith(signal, silenceMs));
      const bytes = squeeze ? squeezed(sent.bytes) : sent.bytes;
      const limit = limitOf(asked.replica);
      if (limit === undefined) return yield* bytes;
      const bucket = new TokenBucket({ bytesPerSecond: limit, clock });
      for await (const chunk of bytes) {
        await bucket.take(chunk.length, signal);
        yield chunk;
      }
    },

    confirm: async (asked, guid, signal) => {
      const { of, port, peer } = admit(asked);
      await port.unprotect(of, peer, guid === null ? [] : [guid], callWith(signal, lookMs));
    },

    attested: async ({ node, replicas, by }) => {
      const attester = attesterOf(node);
      const found = new Map<string, readonly Attestation[]>();
      for (const id of attester ? replicas : []) {
        const replica = lab.get(streamOf('replica', id));
        const volume = replica && lab.get(replica.context.volume);
        if (volume?.context.node !== node || replica?.context.node !== by) continue;
        const known = attester?.of(volume.stream) ?? [];
        if (known.length > 0) found.set(id, known);
      }
      return found;
    },
  };
}

const hasSnapshot = async (port: ReplicationPort, of: Dataset, guid: string, call: Call): Promise<boolean> =>
  (await port.bases(of, call))?.all.some((base) => base.guid === guid && base.kind === 'snapshot') ?? false;

const refusal = (code: 'BUSY' | 'PERMISSION' | 'MISSING', target: string, message: string): IoError =>
  new IoError(code, { op: 'send', target, message: `replica ${target} cannot be sent to: ${message}` });
