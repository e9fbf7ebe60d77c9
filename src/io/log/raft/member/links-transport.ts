/**
 * Messages of consensus over the links between nodes: for each other member one link for votes, heartbeats and reads, and
 * one for entries. Of two nodes the one whose id comes first dials; both send over what there is.
 *
 * What goes out in one turn is one frame for each link. A frame that is no frame of messages ends its link, and nothing
 * else: the core has not seen it.
 */
import type { Logger } from 'pino';
import type { PeerId } from '#events/raft/entry.ts';
import type { Clock } from '../../../devices/clock/port.ts';
import type { Random } from '../../../devices/random/port.ts';
import type { LinkIdentity } from '../../../links/identity.ts';
import { KeptLink, type Target } from '../../../links/kept.ts';
import type { Link } from '../../../links/link.ts';
import { isLeaseFrame } from '../../../lease/frame.ts';
import { nodeOf, peerOf } from '../engine/peer.ts';
import { BadFrame, frameOf, MessagePacker, parcelsOf } from './message-codec.ts';
import { laneOf, type Lane, type Parcel, type Transport } from './transport.ts';

export interface LinksTransportParts {
  readonly self: PeerId;
  identity(): LinkIdentity;
  readonly clock: Clock;
  readonly random: Pick<Random, 'next'>;
  readonly log: Logger;
}

const lanes: readonly Lane[] = ['consensus', 'log'];
/** Larger frames hold others up. */
const frameBytes = { consensus: 128 * 1024, log: 1024 * 1024 };

interface Way {
  link: Link | undefined;
  /** Of the side that dials. */
  kept: KeptLink | undefined;
  outgoing: Uint8Array[];
  outgoingBytes: number;
}

export class LinksTransport implements Transport {
  readonly #parts: LinksTransportParts;
  readonly #packer = new MessagePacker();
  readonly #ways = new Map<PeerId, Record<Lane, Way>>();
  /** Of this turn, with one message in it. */
  #lastFrame: { readonly packed: Uint8Array; readonly frame: Uint8Array } | undefined;
  /** With something to send in this turn. */
  readonly #busy = new Set<PeerId>();
  #onParcels: (parcels: readonly Parcel[]) => void = () => {};
  #onLost: (peer: PeerId) => void = () => {};
  #onLease: (from: PeerId, frame: Uint8Array) => void = () => {};

  constructor(parts: LinksTransportParts) {
    this.#parts = parts;
  }

  receive(onParcels: (parcels: readonly Parcel[]) => void, onLost: (peer: PeerId) => void): void {
    this.#onParcels = onParcels;
    this.#onLost = onLost;
  }

  /** Called once. Frames about leases come on the links of consensus; `onLease` throws BadFrame for what is none. */
  receiveLeases(onLease: (from: PeerId, frame: Uint8Array) => void): void {
    this.#onLease = onLease;
  }

  /** Takes a frame about leases, or has no way. */
  sendLease(to: PeerId, frame: Uint8Array): boolean {
    return this.#ways.get(to)?.consensus.link?.send(frame) ?? false;
  }

  /** Everybody else in the group, and where they are. */
  setPeers(targets: readonly (Target & { readonly incarnation: string })[]): void {
    const wanted = new Map(targets.map((target) => [peerOf(target.node, target.incarnation), target]));
    for (const [peer, ways] of this.#ways) if (!wanted.has(peer)) this.#forget(peer, ways);
    for (const [peer, target] of wanted) {
      const ways = this.#waysTo(peer);
      for (const lane of lanes) this.#dial(peer, lane, ways[lane], target);
    }
  }

  /** A link that somebody dialed. */
  accept(link: Link): void {
    const lane = lanes.find((one) => one === link.purpose);
    if (!lane) return link.close('WRONG_PURPOSE', 'it is not for consensus');
    const peer = peerOf(link.peer.node, link.peer.incarnation);
    this.#use(peer, lane, this.#waysTo(peer)[lane], link);
  }

  send(parcel: Parcel): boolean {
    const { to } = parcel.message;
    const lane = laneOf(parcel.message);
    const way = this.#ways.get(to)?.[lane];
    if (!way?.link?.isOpen) return false;
    const packed = this.#packer.pack(parcel);
    if (way.outgoingBytes + packed.length > frameBytes[lane]) this.#sendOff(to, way);
    way.outgoing.push(packed);
    way.outgoingBytes += packed.length;
    this.#busy.add(to);
    return true;
  }

  flush(): void {
    for (const peer of this.#busy) {
      const ways = this.#ways.get(peer);
      if (ways) for (const lane of lanes) this.#sendOff(peer, ways[lane]);
    }
    this.#busy.clear();
    this.#packer.forget();
    this.#lastFrame = undefined;
  }

  async close(): Promise<void> {
    const ending: Promise<void>[] = [];
    for (const ways of this.#ways.values()) {
      for (const lane of lanes) {
        ways[lane].link?.close();
        const { kept } = ways[lane];
        if (kept) ending.push(kept.stop());
      }
    }
    this.#ways.clear();
    await Promise.all(ending);
  }

  #waysTo(peer: PeerId): Record<Lane, Way> {
    const known = this.#ways.get(peer);
    if (known) return known;
    const way = (): Way => ({ link: undefined, kept: undefined, outgoing: [], outgoingBytes: 0 });
    const ways = { consensus: way(), log: way() };
    this.#ways.set(peer, ways);
    return ways;
  }

  #dial(peer: PeerId, lane: Lane, way: Way, target: Target): void {
    if (nodeOf(this.#parts.self) > target.node) return;
    if (way.kept) return way.kept.setTarget(target);
    const { identity, clock, random, log } = this.#parts;
    way.kept = new KeptLink({
      purpose: lane,
      target,
      identity,
      clock,
      random,
      log,
      patience: { baseMs: 50, maxMs: 400 },
      onUp: (link) => this.#use(peer, lane, way, link),
    });
  }

  #use(peer: PeerId, lane: Lane, way: Way, link: Link): void {
    way.link?.close('REPLACED', 'there is a newer link');
    way.link = link;
    link.receive((frame) => this.#take(peer, link, frame));
    void link.closed.then(() => {
      if (way.link !== link) return;
      way.link = undefined;
      way.outgoing = [];
      way.outgoingBytes = 0;
      if (lane === 'log') this.#onLost(peer);
    });
  }

  #take(peer: PeerId, link: Link, frame: Uint8Array): void {
    let parcels: readonly Parcel[];
    try {
      if (link.purpose === 'consensus' && isLeaseFrame(frame)) return this.#onLease(peer, frame);
      parcels = parcelsOf(frame, peer, this.#parts.self);
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      this.#parts.log.warn(
        { node: link.peer.node, purpose: link.purpose, explain: error.message },
        'a frame is refused',
      );
      return link.close('BAD_FRAME', error.message);
    }
    this.#onParcels(parcels);
  }

  #sendOff(peer: PeerId, way: Way): void {
    const { outgoing, link } = way;
    if (outgoing.length === 0) return;
    way.outgoing = [];
    way.outgoingBytes = 0;
    // Not in the middle of what the core does.
    if (!link?.send(this.#frameOf(outgoing))) queueMicrotask(() => this.#onLost(peer));
  }

  /** An append goes to one follower after the other: in one frame for all. */
  #frameOf(outgoing: readonly Uint8Array[]): Uint8Array {
    const [only] = outgoing;
    if (only && outgoing.length === 1 && this.#lastFrame?.packed === only) return this.#lastFrame.frame;
    const frame = frameOf(outgoing);
    if (only && outgoing.length === 1) this.#lastFrame = { packed: only, frame };
    return frame;
  }

  #forget(peer: PeerId, ways: Record<Lane, Way>): void {
    this.#ways.delete(peer);
    for (const lane of lanes) {
      void ways[lane].kept?.stop();
      ways[lane].link?.close('NOT_ADMITTED', 'it is no member any more');
    }
  }
}
