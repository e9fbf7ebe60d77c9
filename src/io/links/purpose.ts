/**
 * What a link is for. Each purpose has connections of its own, so that a long transfer never stands before a heartbeat,
 * and bounds of its own: what one frame may hold, and how much may wait in the outbox.
 *
 *   consensus   votes, heartbeats, leases: small and urgent
 *   log         entries and pieces of snapshots
 *   requests    calls and their answers, both ways (calls.ts)
 *   stream      one bulk stream or one terminal (streams.ts)
 *   renew       calls of a node whose certificate has run out: to renew it, and for nothing else
 */
export const purposes = ['consensus', 'log', 'requests', 'stream', 'renew'] as const;
export type Purpose = (typeof purposes)[number];

export interface Bounds {
  /** A larger frame ends the link. */
  readonly frameBytes: number;
  /** Of frames that were taken and are not yet with the kernel. An outbox that is half empty takes any frame. */
  readonly outboxBytes: number;
  /** How often is looked whether the other end is still heard; after three times in silence the link is dead. */
  readonly lookMs: number;
}

const kib = 1024;
const mib = 1024 * kib;

export const boundsOf: Readonly<Record<Purpose, Bounds>> = {
  // Heartbeats come all the time: a connection that a cut left hanging is made anew soon after it has healed.
  consensus: { frameBytes: 256 * kib, outboxBytes: mib, lookMs: 1000 },
  // An entry has up to 16 MiB; beside it stands what says where it belongs.
  log: { frameBytes: 17 * mib, outboxBytes: 36 * mib, lookMs: 2000 },
  requests: { frameBytes: 4 * mib, outboxBytes: 9 * mib, lookMs: 5000 },
  stream: { frameBytes: 64 * kib + 1, outboxBytes: mib, lookMs: 5000 },
  renew: { frameBytes: 64 * kib, outboxBytes: 256 * kib, lookMs: 5000 },
};

export const isPurpose = (text: string): text is Purpose => (purposes as readonly string[]).includes(text);
