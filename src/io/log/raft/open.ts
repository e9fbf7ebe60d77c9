/**
 * Opens a member's log: reads all of it and judges it (`scan.ts`, `judge.ts`), or makes a new one where somebody says so.
 *
 * Opening never shortens a log that lost something: what stands behind the damage is left as it is until entries of a
 * leader replace it. It refuses where there is no log (MISSING), where a later version wrote it (TOO_NEW), and where the
 * parts do not belong together (DAMAGED). Otherwise it hands out what is intact, as a suspect where that is less than was
 * promised; and it makes the suspicion durable before anybody can act on it.
 *
 * One case cannot be seen here: database, directory and history were all replaced by older, matching ones (an image of
 * the whole machine). A leader that still has what is missing tells with its first heartbeat, as its commit index is beyond
 * this log. If so many went back together that none is left who has it, nobody tells, and it is lost for good.
 */
import { checkBeginning, firstSnapshot } from '#events/raft/beginning.ts';
import type { Configuration } from '#events/raft/configuration.ts';
import type { Clock } from '../../devices/clock/port.ts';
import { readIfIntact, type Directory } from '../../stores/directory.ts';
import { StoreError, type Op, type Store } from '../../stores/port.ts';
import { LogError } from '../port.ts';
import { judge } from './judge.ts';
import { LevelRaftStorage } from './level-storage.ts';
import { scanEntries } from './scan.ts';
import {
  birthFile,
  birthRecord,
  stateRecord,
  startRecord,
  type Birth,
  type LogStart,
  type StoredState,
} from './small-records.ts';
import type { Finding, Identity, Opened, SnapshotPointer } from './storage.ts';
import type { Position } from './suspicion.ts';
import { isInitial, WatermarkFile, type Mark } from './watermark.ts';
import { WatermarkKeeper } from './watermark-keeper.ts';

/** Both of this log alone, and closed with it. */
export interface StorageParts {
  readonly store: Store;
  /** Outside the store's own directory. */
  readonly directory: Directory;
  /**
   * Whether the state at this snapshot can be had here: its file is whole, or the state database is there already. If
   * not, the log begins anew, and the group has to send what was in it. Taken for granted if omitted.
   */
  readonly hasSnapshot?: (pointer: SnapshotPointer) => Promise<boolean>;
  /**
   * The last entry that is known to have been applied here: that of the history, if there is one. Only what is durable in
   * this log is ever applied, and a history begins from a snapshot only after its job was stored; so a log that does not
   * reach it has lost something.
   */
  readonly applied?: Position;
  /** See `WatermarkKeeper`. */
  readonly clock?: Clock;
}

/**
 * A log that begins empty, for a member that never was: with a new incarnation, and so under a new peer id. All members
 * of a group begin with the same first configuration, as its snapshot at index 1; a machine that is to join one begins
 * at index 0, with `noMembers`.
 * @throws LogError REFUSED where there is a log, or what is left of one
 */
export async function createStorage(
  parts: StorageParts,
  identity: Identity,
  firstConfiguration: Configuration,
): Promise<Opened> {
  const { store, directory } = parts;
  const { file, mark } = await WatermarkFile.open(directory);
  if (!(await isEmpty(store)) || !isUnborn(mark)) {
    throw new LogError(
      'REFUSED',
      'a consensus log cannot be made here: there is one already, or what is left of one',
      'Open it, or begin a new member, with a new incarnation, in empty directories.',
    );
  }
  // The database last: a log without watermark would look like one whose watermark was lost.
  const birth = { identity, firstConfiguration };
  const start = firstStart(birth);
  const { index, term } = start.meta;
  const state: StoredState = { term, vote: undefined, commit: index, suspicion: undefined };
  await directory.replace(birthFile.name, birthFile.record.seal(birth));
  await file.create(markOf(identity, state, start.meta));
  await store.batch([birthRecord.op(birth), startRecord.op(start), stateRecord.op(state)], { sync: true });
  return openStorage(parts);
}

/** @throws StoreError MISSING, LogError DAMAGED, TOO_NEW, ConsensusBroken; then nothing was changed, and store and directory stay open */
export async function openStorage(parts: StorageParts): Promise<Opened> {
  const { store, directory } = parts;
  const watermark = await WatermarkFile.open(directory);
  const inDatabase = await stored(store, birthRecord);
  const inFile = birthFile.record.read(intactOf(await readIfIntact(directory, birthFile.name)));
  const birth = inDatabase ?? inFile;
  if (!inDatabase && isUnborn(watermark.mark) && (await isEmpty(store))) throw missing();
  if (!birth) throw nobodys();
  const mark = typeof watermark.mark === 'object' ? watermark.mark : undefined;
  checkTogether(birth, inFile, mark);

  const begin = await beginOf(parts, birth);
  checkBeginning(begin.start.meta);
  const scanned = await scanEntries(store, begin.start.meta, mark?.lastIndex ?? 0);
  const hasIdentity = inDatabase !== undefined;
  const state = await stored(store, stateRecord);
  const { start, findings } = judge({
    hasIdentity,
    start: begin.start.meta,
    state,
    mark,
    applied: parts.applied,
    scanned,
  });
  const next: StoredState = { ...start.hardState, suspicion: start.suspect };
  const nextMark = markOf(birth.identity, next, scanned.last);

  // First, and anew: what a dying process could not sync may be seen now and be gone after the next power cut.
  await watermark.file.create(nextMark);
  if (!inFile) await directory.replace(birthFile.name, birthFile.record.seal(birth));
  const repairs: Op[] = scanned.torn.map((key) => ({ del: key }));
  if (!inDatabase) repairs.push(birthRecord.op(birth));
  if (begin.finding) repairs.push(startRecord.op(begin.start));
  if (start.suspect) repairs.push(stateRecord.op(next));
  await store.batch(repairs, { sync: true });

  const storage = new LevelRaftStorage({
    store,
    directory,
    watermark: new WatermarkKeeper(watermark.file, nextMark, parts.clock),
    start: begin.start,
    last: scanned.last,
    tail: scanned.tail,
    state: next,
  });
  return {
    identity: birth.identity,
    start,
    findings: begin.finding ? [begin.finding, ...findings] : findings,
    storage,
  };
}

/** Where the log starts; at its first configuration, with a finding, if the snapshot that it should start from is not there. */
async function beginOf(
  { store, hasSnapshot }: StorageParts,
  birth: Birth,
): Promise<{ readonly start: LogStart; readonly finding: Finding | undefined }> {
  const start = await stored(store, startRecord);
  const finding = (explain: string): Finding => ({ kind: 'lost-snapshot', explain });
  if (!start) {
    return {
      start: firstStart(birth),
      finding: finding('Where the log starts is missing or damaged: it begins anew.'),
    };
  }
  const { pointer } = start;
  if (!pointer || !hasSnapshot || (await hasSnapshot(pointer))) return { start, finding: undefined };
  const explain = `The snapshot at entry ${pointer.meta.index} (${pointer.file}) is missing or damaged: the log begins anew.`;
  return { start: firstStart(birth), finding: finding(explain) };
}

const firstStart = ({ firstConfiguration }: Birth): LogStart => ({
  meta: firstSnapshot(firstConfiguration),
  pointer: undefined,
});

const markOf = (
  { incarnation }: Identity,
  { term, vote, suspicion }: StoredState,
  { index: lastIndex, term: lastTerm }: Position,
): Mark => ({ incarnation, term, vote, lastIndex, lastTerm, suspicion });

async function stored<T>(
  store: Store,
  { key, read }: { readonly key: Uint8Array; read(record: Uint8Array | undefined): T | undefined },
): Promise<T | undefined> {
  return read(await store.get(key));
}

const intactOf = (found: Uint8Array | undefined | 'damaged'): Uint8Array | undefined =>
  found === 'damaged' ? undefined : found;

async function isEmpty(store: Store): Promise<boolean> {
  for await (const slice of store.range({ limit: 1 })) if (slice.length > 0) return false;
  return true;
}

/** The watermark is written before the database, and the first thing to be stored after both: there was nothing to lose. */
const isUnborn = (mark: Mark | 'missing' | 'unreadable'): boolean =>
  mark === 'missing' || (mark !== 'unreadable' && isInitial(mark));

/** @throws LogError DAMAGED for parts of different logs */
function checkTogether({ identity }: Birth, inFile: Birth | undefined, mark: Mark | undefined): void {
  const other = [inFile && describe(inFile.identity), mark && `incarnation ${mark.incarnation}`];
  const own = [describe(identity), `incarnation ${identity.incarnation}`];
  for (const [at, foreign] of other.entries()) {
    if (foreign === undefined || foreign === own[at]) continue;
    throw new LogError(
      'DAMAGED',
      `the database of the consensus log is that of ${own[at]}, but the files beside it are those of ${foreign}`,
      'Put database and directory of the same backup together, both; or begin a new member, with a new incarnation, in empty directories.',
    );
  }
}

const describe = ({ cluster, generation, node, incarnation }: Identity): string =>
  `node ${node}, incarnation ${incarnation}, in cluster ${cluster}, generation ${generation}`;

const missing = (): StoreError =>
  new StoreError(
    'MISSING',
    'there is no consensus log here',
    'Begin a new member, with a new incarnation: one whose disk was lost may have forgotten a vote.',
  );

const nobodys = (): LogError =>
  new LogError(
    'DAMAGED',
    'nobody knows any more whose consensus log this is: its identity is lost, in the database and beside it',
    'Keep a copy, check the disk (dmesg, SMART), then begin a new member, with a new incarnation, in empty directories.',
  );
