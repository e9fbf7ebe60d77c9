/**
 * Whom a node follows that is no peer of the consensus group: in a lab of more than nine nodes the others keep the same
 * history by following a voter or a learner, so that a leader feeds eight and not ninety-nine.
 *
 *            leader
 *          ┌───┼─── … ───┐           eight other peers, by consensus
 *        peer peer      peer
 *        ┌┴┐  ┌┴┐       ┌┴┐          the other nodes, shared out evenly
 *
 * Each node decides this for itself, by what the peers say whom they serve. As all decide by the same rule, those who
 * lost their source in the same moment do not all run to the same next one.
 *
 *   1 who has a source stays there, while that serves no more than its share and one; the leader no more than its share
 *   2 the others, in the order of their ids, go where the fewest are: in their own zone while there is room, elsewhere
 *     else; to the leader last
 */
export interface FollowingNode {
  readonly node: string;
  /** Label `zone`: what fails together. Null: it fails alone. */
  readonly zone: string | null;
}

/** A peer that can be followed: it answers, and has everything, or nearly. */
export interface FollowedNode extends FollowingNode {
  readonly leads: boolean;
  /** Who follows it now. */
  readonly serves: readonly string[];
}

/** @returns for each node that follows, whom; nothing where there is nobody to follow. Pure, and the order of what is given does not matter. */
export function assignSources(
  followers: readonly FollowingNode[],
  sources: readonly FollowedNode[],
): ReadonlyMap<string, string> {
  if (sources.length === 0) return new Map();
  const plan = new Plan(followers, sources);
  plan.keep();
  plan.place();
  return plan.assigned;
}

class Plan {
  readonly assigned = new Map<string, string>();
  readonly #followers: readonly FollowingNode[];
  readonly #sources: readonly FollowedNode[];
  readonly #loads = new Map<string, number>();
  /** Of each, rounded up and down. */
  readonly #share: number;
  readonly #leaderShare: number;

  constructor(followers: readonly FollowingNode[], sources: readonly FollowedNode[]) {
    this.#followers = followers.toSorted(byNode);
    this.#sources = sources.toSorted(byNode);
    this.#share = Math.ceil(followers.length / sources.length);
    this.#leaderShare = Math.floor(followers.length / sources.length);
  }

  /**
   * One more than its share is borne: a node that comes must not make others move. Not by the leader, whom a node follows
   * that came before anybody else could be followed.
   */
  keep(): void {
    const known = new Set(this.#followers.map(({ node }) => node));
    for (const { node: source, serves, leads } of this.#sources) {
      const most = leads ? this.#leaderShare : this.#share + 1;
      for (const node of serves.toSorted()) {
        if (!known.has(node) || this.assigned.has(node) || this.#loadOf(source) >= most) continue;
        this.#assign(node, source);
      }
    }
  }

  place(): void {
    for (const follower of this.#followers)
      if (!this.assigned.has(follower.node)) this.#assign(follower.node, this.#bestFor(follower));
  }

  #bestFor({ zone }: FollowingNode): string {
    const others = this.#sources.filter((source) => !source.leads);
    const near = zone === null ? [] : others.filter((source) => source.zone === zone);
    const best =
      this.#leastOf(near, this.#share) ??
      this.#leastOf(others, this.#share) ??
      this.#leastOf(this.#sources, this.#leaderShare) ??
      this.#leastOf(this.#sources, Number.POSITIVE_INFINITY);
    return (best as FollowedNode).node;
  }

  /** With room left below `most`. */
  #leastOf(sources: readonly FollowedNode[], most: number): FollowedNode | undefined {
    const loadOf = ({ node }: FollowedNode): number => this.#loadOf(node);
    return sources.filter((source) => loadOf(source) < most).toSorted((a, b) => loadOf(a) - loadOf(b))[0];
  }

  #assign(node: string, source: string): void {
    this.assigned.set(node, source);
    this.#loads.set(source, this.#loadOf(source) + 1);
  }

  #loadOf(source: string): number {
    return this.#loads.get(source) ?? 0;
  }
}

const byNode = (a: FollowingNode, b: FollowingNode): number => (a.node < b.node ? -1 : 1);
