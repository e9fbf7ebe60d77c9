/**
 * Streams of files, out and in. Files are applied to the replica itself, which nobody sees; what counts of it is its
 * newest snapshot, and that is taken once the files are known to be right.
 *
 *     begun       the work is written down: from here on the files may be anything
 *     made        the dataset, where there was none
 *     applied     … and on the disk, and read again: its digest is that of what was sent
 *     whole       the work says so                            ◀ the commit point, as long as nobody seals
 *     snapped     the snapshot has its name
 *     recorded    … and its guid, for everybody
 *     ended       the work is done
 *
 * What is given up is rolled back to the newest snapshot: at once where that costs nothing, else before it is used again.
 */
import { deadline } from '../../volumes/deadline.ts';
import type { SnapInfo } from '../../volumes/port.ts';
import { IoError } from '../../error.ts';
import { verifyOp } from '../../tree-stream/digest.ts';
import type { Arriving, Hands, Source } from '../backend.ts';
import { beginStream, checkAnnounced } from '../head.ts';
import { patience } from '../patience.ts';
import type { Base, SendOptions, Wanted } from '../port.ts';
import { refusal } from '../refusals.ts';
import {
  callOf,
  endWork,
  newWork,
  readRecord,
  readWork,
  siteOf,
  snapshotsOf,
  unlimited,
  writeRecord,
  writeWork,
  type Site,
} from './site.ts';

export async function source(site: Site, from: Base | undefined, to: Base, how: SendOptions): Promise<Source> {
  const { of, means, hands, call } = site;
  if (how.raw || how.compressed)
    throw refusal(hands, 'UNSUPPORTED', 'files are sent as they are read', 'Send neither `raw` nor `compressed`.');
  const target = { id: to.guid, path: await means.volumes.snapshotPath(of, to.name, call) };
  // Where a snapshot is a copy all files are others: nothing is taken for the same by its time.
  const base = from && {
    ...{ id: from.guid, takenAtMs: from.createdAt },
    path: await means.volumes.snapshotPath(of, from.name, call),
  };
  const options = { target, ...(base ? { base } : {}), wholeSeconds: how.fractions !== true };
  return { read: (signal, silenceMs) => means.send(options, { target: hands.target, signal, silenceMs }) };
}

export async function arrive(
  site: Site,
  what: Wanted,
  bytes: AsyncIterable<Uint8Array>,
  { signal, silenceMs, came }: Arriving,
): Promise<void> {
  const { of, means, hands } = site;
  const { target } = hands;
  const waiting = patience({
    op: 'receive',
    target,
    signal,
    silenceMs,
    ...(means.clock ? { clock: means.clock } : {}),
  });
  try {
    const { head, start, rest } = await beginStream(bytes, (read) => means.readHead(read), waiting.wait, hands);
    checkAnnounced(head, what, hands);
    if ((await readWork(site))?.isForeign === true) throw writtenTo(hands);
    await drop(site);
    const work = newWork(site, what.to.guid);
    await writeWork(site, work);
    await hands.step('begun');
    const isThere = (await snapshotsOf(site)) !== undefined;
    const { path } = isThere
      ? await means.volumes.mount(of, site.call)
      : await means.volumes.create(of, { ...(await unlimited(site)), mode: 0o700 }, site.call);
    await hands.step('made');
    const stream = withStart(start, rest, came);
    const ids = { base: what.from, target: what.to.guid };
    try {
      await means.receive(stream, { into: path, ids }, { target, signal, silenceMs });
    } catch (error) {
      // Into an empty folder nobody can have written before: then it is the stream.
      if (isThere && error instanceof IoError && error.op === verifyOp) {
        await writeWork(site, { ...work, isForeign: true });
        throw writtenTo(hands, error);
      }
      await giveUpIfCheap(site);
      throw error;
    }
    await hands.step('applied');
    await writeWork(site, { ...work, isWhole: true });
    await hands.step('whole');
  } finally {
    waiting.end();
  }
}

const writtenTo = (hands: Hands, cause?: unknown): IoError =>
  new IoError('DIVERGED', {
    op: hands.op,
    target: hands.target,
    message: `somebody has written to the files of the replica ${hands.target}: with what was sent they are not what they should be`,
    hint: 'Nothing was removed. Put aside what it has (floatlab replica resync REPLICA --keep), or give it up (--discard).',
    cause,
  });

async function* withStart(
  start: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
  came: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  came(start.length);
  yield start;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    came(next.value.length);
    yield next.value;
  }
}

export async function accept(site: Site, { to }: Wanted): Promise<SnapInfo> {
  const { of, means, hands } = site;
  const work = await readWork(site);
  if (!work?.isWhole || work.guid !== to.guid)
    throw new IoError('TRUNCATED', {
      op: 'receive',
      target: hands.target,
      message: `what came for ${hands.target} is not the whole of ${to.name}`,
      hint: 'Send it again.',
    });
  const snap = await means.volumes.snapshot(of, to.name, site.call);
  await hands.step('snapped');
  const record = await readRecord(site);
  const others = record.copies.filter(({ local, guid }) => local !== snap.guid && guid !== to.guid);
  await writeRecord(site, { ...record, copies: [...others, { guid: to.guid, local: snap.guid }] });
  await hands.step('recorded');
  await endWork(site);
  await hands.step('ended');
  return { ...snap, guid: to.guid };
}

/** What somebody has written to a replica becomes a snapshot of it, as if it had come later than all others. */
export async function keepWritten(site: Site): Promise<void> {
  const { of, means } = site;
  const work = await readWork(site);
  if (work?.isForeign !== true) return drop(site);
  await means.volumes.mount(of, site.call);
  await means.volumes.snapshot(of, work.stash, site.call);
  await endWork(site);
}

/** The files of a replica are its newest snapshot again. One that has none is thrown away with its records (`settle`). */
export async function drop(site: Site): Promise<void> {
  const { of, means, hands } = site;
  const work = await readWork(site);
  if (!work) return;
  const { role } = await readRecord(site);
  const snaps = (await snapshotsOf(site)) ?? [];
  const newest = snaps.findLast(({ name }) => name !== work.stash);
  if (role === 'replica' && newest) {
    // Containers see nothing of a replica: after a boot it may not be mounted.
    await means.volumes.mount(of, site.call);
    await means.volumes.rollback(of, newest.name, work.stash, site.call);
    await hands.step('rolled back');
    await giveTop(site, newest.name);
    await means.volumes.removeSnapshots(of, [work.stash], site.call);
  }
  await endWork(site);
  await hands.step('given up');
}

/** A roll-back keeps owner and mode of what it rolls back: of a stream that was given up, maybe. */
export async function giveTop(site: Site, snapshot: string): Promise<void> {
  const { of, means, call } = site;
  const top = await means.topOf(await means.volumes.snapshotPath(of, snapshot, call));
  await means.volumes.create(of, { ...(await unlimited(site)), ...top }, site.call);
}

const cheapMs = 30_000;

/** A full pool is not left full, whatever became of the caller. What cannot be done now is done by the next stream. */
async function giveUpIfCheap({ of, means, hands }: Site): Promise<void> {
  const call = { signal: new AbortController().signal, timeoutMs: cheapMs, progress: () => undefined };
  const within = deadline(call, hands.op, hands.target, means.clock);
  const own = siteOf(means, of, { ...hands, within, step: () => undefined });
  try {
    const pool = (await means.volumes.pools(callOf(own.hands))).find(({ name }) => name === of.pool);
    if (pool?.can.copyOnWrite && ((await snapshotsOf(own))?.length ?? 0) > 0) await drop(own);
  } catch {
    // Why the stream failed is what counts.
  }
}
