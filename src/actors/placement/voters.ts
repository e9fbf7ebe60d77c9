/**
 * Which nodes vote. One, three or five of them: an even number bears no more losses than the odd one below it.
 *
 * A lab of two full machines has one voter, because two would stop at the loss of either; a witness or a third machine
 * makes three. The group never shrinks by itself: a voter that is lost is replaced, one at a time and not before ten
 * minutes, by a learner that has all entries. It shrinks when a person says so, to an odd number, in one joint change:
 * of three voters one leaves, and one of the other two goes on alone. What is asked here over and over comes to rest: a
 * voter that returns is a learner from then on, and takes its vote back from nobody.
 *
 *   1 its peer is gone for good     replace it at once; go on with fewer when nobody can ever take its place
 *   2 its node leaves, or is not    replace it; go on with fewer when the lab is too small, or nobody who answers can
 *     to vote                       take its place
 *   3 silent for ten minutes        replace it
 *   4 more nodes may vote           up to the next odd number, in one joint change
 *   5 most voters in one zone       swap one for a learner elsewhere, where that spreads them
 *
 * Nothing is proposed that could not be committed: of the old and of the new voters most must answer.
 * The caller gives a configuration that is not joint, and asks again after every change.
 */
import type { StreamId } from '#events/envelope.ts';
import { formatDuration } from '#events/values/duration.ts';
import { nodeOfPeer, peerOf, type NodeRole, type Peer } from '#events/values/peer.ts';

export const replacedAfterMs = 10 * 60_000;
export const mostVoters = 5;

/** A node of the lab, as the leader sees it. */
export interface Elector {
  readonly node: StreamId<'node'>;
  readonly name: string;
  readonly incarnation: string;
  readonly role: NodeRole;
  /** It is on its way out of the lab. */
  readonly departing: boolean;
  /** Label `zone`: what fails together. Null: it fails alone. */
  readonly zone: string | null;
  readonly reachable: boolean;
  /** Since when it is reachable, or is not; log time. */
  readonly since: number;
  /** As a learner it has all that is committed, or nearly. */
  readonly caughtUp: boolean;
}

export interface Group {
  readonly voters: readonly Peer[];
  readonly learners: readonly Peer[];
}

export interface Electorate {
  readonly nodes: readonly Elector[];
  readonly configuration: Group;
  /** Spared when another one will do: a new leader costs an election. */
  readonly leader?: Peer;
  readonly now: number;
}

/** One change of the group: all of it in one configuration change, which is joint when more than one vote moves. */
export interface VoterChange {
  /** Learners that become voters. */
  readonly add: readonly Peer[];
  /** Voters that become learners. */
  readonly demote: readonly Peer[];
  /** Voters that leave the group. */
  readonly remove: readonly Peer[];
  /** One sentence. */
  readonly why: string;
}

export function chooseVoters(electorate: Electorate): VoterChange | undefined {
  const view = new View(electorate);
  return replaceGone(view) ?? releaseUnwilling(view) ?? replaceDead(view) ?? grow(view) ?? spread(view);
}

/** Whether a node is to vote, if there is need of it. */
export const mayVote = ({ role, departing }: Pick<Elector, 'role' | 'departing'>): boolean =>
  role !== 'learner' && !departing;

/** How many nodes should vote, of so many that may. */
export const wantedVoters = (eligible: number): number => {
  const most = Math.min(mostVoters, eligible);
  return Math.max(1, oddUpTo(most));
};

const oddUpTo = (count: number): number => (count % 2 === 0 ? count - 1 : count);

const majorityOf = (voters: number): number => Math.floor(voters / 2) + 1;

class View {
  readonly now: number;
  readonly voters: readonly Peer[];
  readonly eligible: number;
  readonly #leader: Peer | undefined;
  readonly #byPeer: ReadonlyMap<Peer, Elector>;
  readonly #nodes: readonly Elector[];
  readonly #candidates: readonly Peer[];

  constructor({ nodes, configuration, leader, now }: Electorate) {
    this.now = now;
    this.voters = configuration.voters.toSorted();
    this.#nodes = nodes;
    this.#leader = leader;
    this.#byPeer = new Map(nodes.map((node) => [peerOf(node.node, node.incarnation), node]));
    this.eligible = nodes.filter(mayVote).length;
    this.#candidates = configuration.learners.toSorted().filter((peer) => {
      const node = this.of(peer);
      return node !== undefined && mayVote(node) && node.reachable && node.caughtUp;
    });
  }

  of(peer: Peer): Elector | undefined {
    return this.#byPeer.get(peer);
  }

  nameOf(peer: Peer): string {
    return this.#nodes.find(({ node }) => node === nodeOfPeer(peer))?.name ?? peer;
  }

  /** Whether a node could ever take a vote that it does not have. */
  get hasHope(): boolean {
    return this.#successors.length > 0;
  }

  /** Whether one that answers will have everything soon. */
  get hasSuccessor(): boolean {
    return this.#successors.some(({ reachable }) => reachable);
  }

  get #successors(): readonly Elector[] {
    return this.#nodes.filter((node) => mayVote(node) && !this.voters.includes(peerOf(node.node, node.incarnation)));
  }

  /** The learner that goes best with those who stay: it spreads them most, and a full machine before a witness. */
  best(staying: readonly Peer[], among: readonly Peer[] = this.#candidates): Peer | undefined {
    return among
      .filter((peer) => !staying.includes(peer))
      .map((peer) => ({ peer, crowd: this.crowdOf([...staying, peer]), isWitness: this.of(peer)?.role === 'witness' }))
      .toSorted(
        (a, b) => a.crowd - b.crowd || Number(a.isWitness) - Number(b.isWitness) || (a.peer < b.peer ? -1 : 1),
      )[0]?.peer;
  }

  /** The voter that is missed least: one that is silent or behind, never the leader, one that shares its zone. */
  worst(voters: readonly Peer[]): Peer {
    const isWell = (peer: Peer): boolean => this.of(peer)?.reachable === true && this.of(peer)?.caughtUp === true;
    const [worst] = voters
      .map((peer) => ({
        peer,
        crowd: this.crowdOf(without(voters, peer)),
        isWitness: this.of(peer)?.role === 'witness',
      }))
      .toSorted(
        (a, b) =>
          Number(this.leads(a.peer)) - Number(this.leads(b.peer)) ||
          Number(isWell(a.peer)) - Number(isWell(b.peer)) ||
          a.crowd - b.crowd ||
          Number(b.isWitness) - Number(a.isWitness) ||
          (a.peer < b.peer ? 1 : -1),
      );
    if (!worst) throw new Error('nobody votes');
    return worst.peer;
  }

  get candidates(): readonly Peer[] {
    return this.#candidates;
  }

  zoneOf(peer: Peer): string {
    const zone = this.of(peer)?.zone;
    return zone === null || zone === undefined ? `peer ${peer}` : `zone ${zone}`;
  }

  /** How many voters each zone has. */
  zonesOf(voters: readonly Peer[]): ReadonlyMap<string, number> {
    const zones = new Map<string, number>();
    for (const peer of voters) zones.set(this.zoneOf(peer), (zones.get(this.zoneOf(peer)) ?? 0) + 1);
    return zones;
  }

  /** Grows with every two that share a zone: the sum of squares. */
  crowdOf(voters: readonly Peer[]): number {
    return [...this.zonesOf(voters).values()].reduce((sum, count) => sum + count * count, 0);
  }

  leads(peer: Peer): boolean {
    return peer === this.#leader;
  }

  /** The change, if most of the old voters and most of the new ones can agree to it. */
  propose(change: VoterChange): VoterChange | undefined {
    const gone = [...change.demote, ...change.remove];
    const after = [...this.voters.filter((peer) => !gone.includes(peer)), ...change.add];
    return this.#hasQuorum(this.voters) && after.length > 0 && this.#hasQuorum(after) ? change : undefined;
  }

  #hasQuorum(voters: readonly Peer[]): boolean {
    return voters.filter((peer) => this.of(peer)?.reachable).length >= majorityOf(voters.length);
  }
}

const without = (peers: readonly Peer[], one: Peer): readonly Peer[] => peers.filter((peer) => peer !== one);

function replaceGone(view: View): VoterChange | undefined {
  for (const gone of view.voters) {
    if (view.of(gone)) continue;
    const staying = without(view.voters, gone);
    const heir = view.best(staying);
    if (heir === undefined) {
      if (view.hasHope) continue;
      const fewer = shrink(view, [gone], `${view.nameOf(gone)} is gone from the lab, and nobody else may vote`);
      if (fewer) return fewer;
      continue;
    }
    const why = `${view.nameOf(gone)} is gone or lost its disk; ${view.nameOf(heir)} takes its vote.`;
    const change = view.propose({ add: [heir], demote: [], remove: [gone], why });
    if (change) return change;
  }
  return undefined;
}

/** Whoever leaves stays a learner until the next change: it hears that it votes no longer. */
function releaseUnwilling(view: View): VoterChange | undefined {
  const leaving = view.voters.filter((peer) => {
    const node = view.of(peer);
    return node !== undefined && !mayVote(node);
  });
  const [first] = leaving;
  if (first === undefined) return undefined;
  const reason = (peer: Peer): string =>
    `${view.nameOf(peer)} ${view.of(peer)?.departing ? 'leaves the lab' : 'is not to vote'}`;
  if (wantedVoters(view.eligible) >= oddUpTo(view.voters.length)) {
    const replaced = replaceFirst(view, leaving, reason);
    if (replaced || view.hasSuccessor) return replaced;
  }
  return shrink(view, leaving, reason(first));
}

/** On to the odd number of voters below, without some of them. Who else gives up its vote becomes a learner. */
function shrink(view: View, leaving: readonly Peer[], reason: string): VoterChange | undefined {
  let staying: readonly Peer[] = view.voters.filter((peer) => !leaving.includes(peer));
  // Nobody decides alone who has just come; but somebody has to.
  const heir = staying.length === 0 ? view.best([]) : undefined;
  const size = Math.min(wantedVoters(view.eligible), oddUpTo(staying.length));
  while (staying.length > Math.max(size, 1)) staying = without(staying, view.worst(staying));
  const after = heir === undefined ? staying : [heir];
  if (after.length === 0) return undefined;
  const demote = view.voters.filter((peer) => !staying.includes(peer) && view.of(peer));
  const remove = view.voters.filter((peer) => !staying.includes(peer) && !view.of(peer));
  const names = after.map((peer) => view.nameOf(peer)).join(' and ');
  const why = `${reason}; ${names} ${after.length === 1 ? 'decides' : 'decide'} from now on.`;
  return view.propose({ add: heir === undefined ? [] : [heir], demote, remove, why });
}

function replaceDead(view: View): VoterChange | undefined {
  const silentMs = (peer: Peer): number => view.now - (view.of(peer)?.since ?? view.now);
  const dead = view.voters
    .filter((peer) => view.of(peer)?.reachable === false && silentMs(peer) >= replacedAfterMs)
    .toSorted((a, b) => silentMs(b) - silentMs(a));
  return replaceFirst(
    view,
    dead,
    (peer) => `${view.nameOf(peer)} has not answered for ${formatDuration(silentMs(peer))}`,
  );
}

function replaceFirst(view: View, leaving: readonly Peer[], reason: (peer: Peer) => string): VoterChange | undefined {
  for (const peer of leaving) {
    const heir = view.best(without(view.voters, peer));
    if (heir === undefined) return undefined;
    const why = `${reason(peer)}; ${view.nameOf(heir)} takes its vote.`;
    const change = view.propose({ add: [heir], demote: [peer], remove: [], why });
    if (change) return change;
  }
  return undefined;
}

function grow(view: View): VoterChange | undefined {
  const size = view.voters.length;
  const next = size % 2 === 0 ? size + 1 : size + 2;
  if (next > wantedVoters(view.eligible)) return undefined;
  const add: Peer[] = [];
  while (size + add.length < next) {
    const peer = view.best([...view.voters, ...add]);
    if (peer === undefined) return undefined;
    add.push(peer);
  }
  const who = add.map((peer) => view.nameOf(peer)).join(' and ');
  const why = `${view.eligible} nodes may vote; ${who} ${add.length === 1 ? 'becomes a voter' : 'become voters'}.`;
  return view.propose({ add, demote: [], remove: [], why });
}

/** Only where one zone alone has a majority: its failure would stop the lab. And only while all is calm. */
function spread(view: View): VoterChange | undefined {
  const size = view.voters.length;
  if (size < 3 || view.voters.some((peer) => !view.of(peer)?.reachable)) return undefined;
  const crowded = [...view.zonesOf(view.voters)].find(([, count]) => count >= majorityOf(size))?.[0];
  if (crowded === undefined) return undefined;
  const leaving = view.voters
    .filter((peer) => view.zoneOf(peer) === crowded)
    .toSorted((a, b) => Number(view.leads(a)) - Number(view.leads(b)) || (a < b ? 1 : -1));
  for (const peer of leaving) {
    const staying = without(view.voters, peer);
    const elsewhere = view.candidates.filter((candidate) => view.zoneOf(candidate) !== crowded);
    const heir = view.best(staying, elsewhere);
    if (heir === undefined || view.crowdOf([...staying, heir]) >= view.crowdOf(view.voters)) continue;
    const why = `Most voters are in ${crowded}; ${view.nameOf(heir)}, elsewhere, takes the vote of ${view.nameOf(peer)}.`;
    const change = view.propose({ add: [heir], demote: [peer], remove: [], why });
    if (change) return change;
  }
  return undefined;
}
