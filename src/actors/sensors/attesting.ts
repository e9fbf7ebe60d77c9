/**
 * Until when a volume's snapshots have everything that was written. Runs on the node of the volume, for each volume that
 * has replicas, and is not replicated; what it knows goes to the nodes of the replicas when they ask.
 *
 *   look n      index i, instant t        nothing newer than S: S has everything up to t, less what takes a while to show
 *   request     index > i                 of snapshot R, which was not begun before it was asked for
 *   look n + 1  R is there                R has everything up to t, whatever is written meanwhile
 *
 * Law: everything that was written until the instant that is attested for a snapshot is in that snapshot. The instant is
 * read before the look, and so is the index up to which this node had folded the history. Two things it rests on: this
 * node takes no snapshot that it has not been asked for by the history, and it begins with all of the history that it has
 * ever acted on (`io/agent/attester.ts`).
 */

/** Before a look. */
export interface Moment {
  /** Boot time of the node. */
  readonly atMs: number;
  /** Index of the last event that it had folded. */
  readonly index: number;
}

/** What a look found. */
export interface Shown {
  /** The newest snapshot; undefined where there is none. */
  readonly since: string | undefined;
  readonly changed: boolean;
  /** Boot time of the node: everything that was written until then is in what the look found. */
  readonly asOfMs: number;
}

export interface Attesting {
  readonly last: Moment | undefined;
  /** By guid of a snapshot: until when it has everything. */
  readonly until: ReadonlyMap<string, number>;
}

export const notAttesting: Attesting = { last: undefined, until: new Map() };

interface Known {
  readonly guid: string;
  readonly sequence: number;
}

/** The newest ones are kept in any case: a replica is brought to one of them. */
const newestKept = 3;

/**
 * After another look.
 * @param moment before that look
 * @param snapshots that the volume has, as far as the history goes by now
 * @param needed guids that replicas hold, or are on their way to
 */
export function attest(
  before: Attesting,
  moment: Moment,
  shown: Shown,
  snapshots: readonly Known[],
  needed: ReadonlySet<string>,
): Attesting {
  const until = new Map<string, number>();
  const inOrder = snapshots.toSorted((a, b) => b.sequence - a.sequence);
  for (const [n, { guid, sequence }] of inOrder.entries()) {
    if (n >= newestKept && !needed.has(guid)) continue;
    const instants = [
      before.until.get(guid),
      sequence > moment.index ? moment.atMs : undefined,
      before.last && sequence > before.last.index ? before.last.atMs : undefined,
      shown.since === guid && !shown.changed ? shown.asOfMs : undefined,
    ].filter((instant) => instant !== undefined);
    if (instants.length > 0) until.set(guid, Math.max(...instants));
  }
  return { last: moment, until };
}
