/** How a member behaves besides what consensus demands (`events/raft/settings.ts`). */
export interface MemberTiming {
  /** One unit of the core's time. */
  readonly tickMs: number;
  /** What is committed is told to others after so long, unless entries for them come first. */
  readonly commitNewsMs: number;
  /** A follower has its log apply what is committed so often at most: a leader waits for its disk, not for its fold. */
  readonly appliesEveryMs: number;
  /** A disk that answers nothing for so long is given up, and the process with it. */
  readonly diskHangsMs: number;
  /** A snapshot is made after so many entries, */
  readonly snapshotEntries: number;
  /** or so many bytes of them: both are what a start reads, and what a member keeps in memory. */
  readonly snapshotBytes: number;
  /** Behind a snapshot so many entries are kept for followers, */
  readonly keptEntries: number;
  /** and no more than so many bytes of them. */
  readonly keptBytes: number;
  /** A follower that fetches a snapshot is offered it again after so long. */
  readonly snapshotPatienceMs: number;
  /** Committed entries that the log has been given and has not taken yet. Several times `takenStepBytes`. */
  readonly maxHandedOutBytes: number;
  /** What moves all the time is told this often. */
  readonly statusMs: number;
}

export const standardTiming: MemberTiming = {
  tickMs: 100,
  commitNewsMs: 5,
  appliesEveryMs: 10,
  diskHangsMs: 30_000,
  snapshotEntries: 20_000,
  snapshotBytes: 8 * 1024 * 1024,
  keptEntries: 5000,
  keptBytes: 2 * 1024 * 1024,
  snapshotPatienceMs: 15_000,
  maxHandedOutBytes: 1024 * 1024,
  statusMs: 1000,
};
