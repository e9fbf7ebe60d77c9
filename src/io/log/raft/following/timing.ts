/** How a node follows another one. */
export interface FollowTiming {
  /**
   * All peers are asked this often how they see the group: whether there is a better one to follow. One that lacks what
   * another had so long before lags behind.
   */
  readonly lookMs: number;
  /** And this often while nobody is followed. */
  readonly hurryMs: number;
  /** Who does not answer within this time does not answer. */
  readonly askMs: number;
  /** A source that says nothing for so long is gone. */
  readonly silentMs: number;
  /** Who was found to be a bad source is not followed for so long. */
  readonly avoidMs: number;
  /** A node that is in no group follows after this time: the leader may be about to take it in. */
  readonly settleMs: number;
  /** Who lacks more entries than this fetches segments, from all who have them. */
  readonly maxStreamed: number;
  /** Entries handed out that the history has not taken yet, in bytes. Several times `takenStepBytes`. */
  readonly maxHandedOutBytes: number;
}

export const standardFollowing: FollowTiming = {
  lookMs: 5000,
  hurryMs: 500,
  askMs: 2000,
  silentMs: 3000,
  avoidMs: 60_000,
  settleMs: 3000,
  maxStreamed: 40_000,
  maxHandedOutBytes: 4 * 1024 * 1024,
};
