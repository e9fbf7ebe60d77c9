/** What a holder and a grantor say to one another. Who said it is known by the way on which it came. */

/** A node wants its lease to go on. */
export interface Renewal {
  /** Of the holder, drawn when its process began: an answer to another one says nothing to this one. */
  readonly run: number;
  /** Grows by one with each renewal of a run. */
  readonly sequence: number;
  /** Of the last answer that arrived. */
  readonly echo: Echo | undefined;
  /** It asks for a longer lease than usual; else 0. */
  readonly wantsMs: number;
}

/** Proof that what a leader sends arrives: its own words come back. */
export interface Echo {
  readonly term: number;
  /** When the answer left, by the clock of the leader. */
  readonly atMs: number;
}

export type Answer = Grant | Denial;

interface Answered extends Echo {
  readonly run: number;
  /** Of the renewal that is answered. */
  readonly sequence: number;
}

/** The node holds a lease of this length, counted from the moment when it sent the renewal. */
export interface Grant extends Answered {
  readonly type: 'grant';
  readonly lengthMs: number;
  /** Of the quorum round: what was decided about the node before the lease is at or below it. */
  readonly commitIndex: number;
}

/** There is no lease for this renewal. */
export interface Denial extends Answered {
  readonly type: 'denial';
  readonly why: DenialReason;
}

export type DenialReason = (typeof denialReasons)[number];

/** `unheard`: what was sent to the node does not come back. `refused`: the lab is about to take it for dead, or has. */
export const denialReasons = ['unheard', 'refused'] as const;
