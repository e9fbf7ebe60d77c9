/**
 * What a leader knows about one follower's log, and how it feeds it (dissertation §10.2, and the practice of others).
 *
 *              rejected, unreachable
 *          ┌──────────────────────────────┐
 *          ▼        accepted              │
 *        probe ──────────────────▶ replicate
 *          │ ▲                            │
 *          │ │ arrived, or failed         │ the next entry was compacted
 *          ▼ │                            │
 *        snapshot ◀───────────────────────┘
 *
 * `probe`: one append at a time, until the two logs are known to meet. `replicate`: optimistic, up to the window.
 * `snapshot`: nothing until it arrived. Invariants: match < next; in `replicate` everything in [match + 1, next) is on
 * its way; `match` never falls while this leader leads, unless the follower says that its disk lost something.
 */
import { Inflight } from './inflight.ts';
import type { RaftSettings } from './settings.ts';

export class Progress {
  state: 'probe' | 'replicate' | 'snapshot' = 'probe';
  /** The follower's durable log equals ours up to here. */
  match = 0;
  /** The entry to send next. */
  next: number;
  /** Index of the snapshot that is on its way. */
  snapshotIndex = 0;
  /** Probing, and the probe is under way; or the window is full. A heartbeat's answer lets one append through. */
  isPaused = false;
  /** Heard from since the leader last looked whether it still has a majority. */
  isActive: boolean;
  /** Newest token that it has echoed. */
  token = 0;
  /** Newest commit index that it was told. */
  toldCommit = 0;
  readonly inflight: Inflight;

  constructor(next: number, settings: RaftSettings, isActive: boolean) {
    this.next = next;
    this.isActive = isActive;
    this.inflight = new Inflight(settings.maxInflight, settings.maxInflightBytes);
  }

  toProbe(): void {
    // After a snapshot the follower has at least that much.
    const arrived = this.state === 'snapshot' ? this.snapshotIndex : 0;
    this.#enter('probe');
    this.next = Math.max(this.match, arrived) + 1;
    this.toldCommit = Math.min(this.toldCommit, this.next - 1);
  }

  toReplicate(): void {
    this.#enter('replicate');
    this.next = this.match + 1;
  }

  toSnapshot(index: number): void {
    this.#enter('snapshot');
    this.snapshotIndex = index;
    this.next = index + 1;
    this.toldCommit = index;
  }

  /** Entries (none: a probe or news) are on their way. */
  sent(count: number, bytes: number): void {
    if (this.state === 'replicate') {
      if (count > 0) {
        this.next += count;
        this.inflight.add(this.next - 1, bytes);
      }
      this.isPaused = this.inflight.isFull;
    } else {
      this.isPaused = true;
    }
  }

  /** @returns whether this is news: an older acknowledgement, arriving late, is not */
  accepted(index: number): boolean {
    const isNews = index > this.match;
    if (isNews) this.match = index;
    this.next = Math.max(this.next, index + 1);
    return isNews;
  }

  /**
   * Its disk lost what it had acknowledged, and nothing is known of it any more but where the logs can meet at best.
   * What was committed with its help stays committed: the others who helped have it, and this follower, if it knows
   * what it lost, takes no part in elections until its log is whole (`persistence.ts`). What is not committed yet is not
   * committed with its help.
   */
  lost(meet: number): void {
    this.match = 0;
    this.toProbe();
    this.next = meet + 1;
  }

  /**
   * It does not have the entry before what was sent.
   * @param rejected the index it refused @param hint where the logs can meet at best
   * @returns whether this is news: late answers to what was sent before are ignored
   */
  rejected(rejected: number, hint: number): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
      return true;
    }
    // A probe that was answered must be the last one that was sent. One that asks for no more than what the follower
    // acknowledged is refused only if its disk lost that: it says so itself, and is not asked again at once.
    if (this.next - 1 !== rejected || rejected <= this.match) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.isPaused = false;
    return true;
  }

  #enter(state: Progress['state']): void {
    this.state = state;
    this.isPaused = false;
    this.snapshotIndex = 0;
    this.inflight.clear();
  }
}
