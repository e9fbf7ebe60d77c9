/** How a member of the group behaves. Time is counted in ticks; the driver says how long one is. */
export interface RaftSettings {
  /** A follower that hears no leader for one to two times this long campaigns. */
  readonly electionTicks: number;
  /** A leader lets itself be heard this often. Well below `electionTicks`. */
  readonly heartbeatTicks: number;
  /** Ask before disrupting (§9.6). */
  readonly preVote: boolean;
  /** A leader that hears no majority for `electionTicks` steps down, and voters protect a leader that they hear (§6.2). */
  readonly checkQuorum: boolean;
  /** Of entries in one append; one entry always fits. */
  readonly maxAppendBytes: number;
  /** Appends that may be under way to one follower, */
  readonly maxInflight: number;
  /** and their bytes. */
  readonly maxInflightBytes: number;
  /** Of one entry's data; larger ones are refused. Below what the history takes: what is committed must be storable. */
  readonly maxEntryBytes: number;
  /** Of entries that are proposed and not yet committed; more are refused. One proposal always fits. */
  readonly maxUncommittedBytes: number;
  /** Of entries handed out at once to be applied; one always fits. */
  readonly maxApplyBytes: number;
  /** Reads that may wait for the leader to be sure of itself, and at each follower for its leader; more are refused. */
  readonly maxPendingReads: number;
}

export const defaultSettings: RaftSettings = {
  electionTicks: 10,
  heartbeatTicks: 1,
  preVote: true,
  checkQuorum: true,
  maxAppendBytes: 256 * 1024,
  maxInflight: 256,
  maxInflightBytes: 1024 * 1024,
  maxEntryBytes: 8 * 1024 * 1024,
  maxUncommittedBytes: 16 * 1024 * 1024,
  maxApplyBytes: 256 * 1024,
  maxPendingReads: 10_000,
};
