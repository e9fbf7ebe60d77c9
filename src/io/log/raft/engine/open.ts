/**
 * Opens the event log of a member: its history first, then its consensus log, which is told how far the history got; and
 * puts the two together.
 *
 *   history ─ last entry ─▶ member ─ where its log begins ─▶ history begun, if there is none ─▶ versions ─▶ log
 */
import type { StreamId } from '#events/envelope.ts';
import type { Configuration } from '#events/raft/configuration.ts';
import type { PeerId } from '#events/raft/entry.ts';
import { Packr } from 'msgpackr';
import type { Clock } from '../../../devices/clock/port.ts';
import type { Random } from '../../../devices/random/port.ts';
import type { Directory } from '../../../stores/directory.ts';
import type { Sealing } from '../history/sealing.ts';
import type { SegmentSource } from '../history/source.ts';
import type { MemberChannel } from '../member/channel.ts';
import type { MemberStatus } from '../member/protocol.ts';
import { SnapshotFiles } from '../snapshots/snapshot-files.ts';
import type { SnapshotPointer } from '../storage.ts';
import type { Position } from '../suspicion.ts';
import { packApplied } from './applied.ts';
import { Applier } from './applier.ts';
import { HistoryKeeper } from './keeper.ts';
import type { HistoryLate } from './history-late.ts';
import { RaftLog } from './raft-log.ts';
import { EventReader } from './reading.ts';

/** What the member needs to know of the rest before its log is judged. */
export interface FoundHistory {
  readonly applied: Position | undefined;
  readonly keeper: HistoryKeeper;
  readonly snapshots: SnapshotFiles;
  hasSnapshot(pointer: SnapshotPointer): Promise<boolean>;
}

export interface StartedMember {
  readonly channel: MemberChannel;
  /** Where its log begins. */
  readonly snapshot: SnapshotPointer | undefined;
  /** Undefined for a machine that belongs to no group yet. */
  readonly firstConfiguration: Configuration | undefined;
}

export interface RaftLogOptions {
  openHistory(): Promise<Directory>;
  openSnapshots(): Promise<Directory>;
  startMember(found: FoundHistory): Promise<StartedMember>;
  /**
   * What is folded already. Asked once all of the history is here, with its last event: a state that has seen more is
   * none of this history (a power cut takes the end of either, and the consensus log brings back what was agreed on).
   */
  foldedUpTo(head: number): Promise<FoldedVersions>;
  readonly sealing?: Sealing;
  readonly clock: Clock;
  readonly random: Random;
  readonly patienceMs: number;
  /** See `RaftLogParts`. */
  readonly late: HistoryLate;
  /** Other members, at this moment, for segments of the history. */
  sources(): readonly SegmentSource[];
  /** Gets a snapshot's file from the member that offers it. @returns false when it does not come from there */
  fetchSnapshot(from: PeerId, pointer: SnapshotPointer, files: SnapshotFiles): Promise<boolean>;
  note(message: string, details: Readonly<Record<string, unknown>>): void;
  onStatus(status: MemberStatus): void;
  onBroken(error: unknown): void;
}

/** Versions of the streams that live as of an event. */
export interface FoldedVersions {
  readonly versions: ReadonlyMap<StreamId, number>;
  readonly index: number;
}

export interface OpenedRaftLog {
  readonly log: RaftLog;
  readonly keeper: HistoryKeeper;
  readonly snapshots: SnapshotFiles;
}

/** @throws LogError, StoreError; then nothing that was durable was changed */
export async function openRaftLog(options: RaftLogOptions): Promise<OpenedRaftLog> {
  const { clock, random, sealing, sources, note, openHistory } = options;
  const snapshots = await SnapshotFiles.open(await options.openSnapshots());
  const keeper = await HistoryKeeper.open({
    openDirectory: openHistory,
    snapshots,
    clock,
    ...(sealing === undefined ? {} : { sealing }),
    sources,
    note,
  });
  const found = await keeper.last();
  const { channel, snapshot, firstConfiguration } = await options.startMember({
    applied: found,
    keeper,
    snapshots,
    hasSnapshot: async (pointer) => (found?.index ?? 0) >= pointer.meta.index || snapshots.hasWhole(pointer),
  });
  try {
    if (firstConfiguration) await keeper.beginAt(snapshot, firstEntry(firstConfiguration));
    else await keeper.beginEmpty();
    await snapshots.retain(snapshot);
    const applied = (await keeper.last()) ?? { index: 0, term: 0 };
    const reader = new EventReader(() => keeper.history);
    // What the state lacks must be here, all of it.
    if (keeper.history.missing().some(({ last }) => last > 0)) await keeper.fetchMissing();
    const folded = await options.foldedUpTo(await reader.head());
    const versions = new Map(folded.versions);
    const head = await reader.catchUp(versions, folded.index);
    const log = new RaftLog({
      ...options,
      channel,
      keeper,
      reader,
      applier: new Applier(head, versions),
      applied,
      clock,
      random,
      fetchSnapshot: (from, pointer) => options.fetchSnapshot(from, pointer, snapshots),
    });
    return { log, keeper, snapshots };
  } catch (error) {
    await channel.close();
    await keeper.close();
    throw error;
  }
}

const packr = new Packr({ useRecords: false });

/** A group begins with a snapshot; what its history has there is who founded it. */
export const firstEntry = (founders: Configuration) => ({
  index: 1,
  term: 1,
  bytes: packApplied({ kind: 'change', head: 0, body: packr.pack([founders.voters, founders.learners]) }),
});
