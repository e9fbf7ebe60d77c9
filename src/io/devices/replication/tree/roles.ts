/**
 * How a replica becomes a volume, a volume a replica, and what diverged a volume of its own. What a dataset is stands in
 * its record, so one write decides; `settle` finishes, or takes back what is not decided yet.
 *
 *     promote    begun      the work is written down: the top folder is about to change
 *                given      size, owner and mode
 *                shown      the record says: a volume               ◀ the commit point
 *     demote     noted      the record says: a replica, and what is to be kept    ◀ the commit point: no app finds it
 *                kept       the snapshot
 *     set aside  noted      the marker
 *                copied     the volume of what is newer is complete, and hidden as a replica
 *                shown      its record says: a volume               ◀ the commit point
 *                reverted   the replica is what both have
 *                removed    … and the newer snapshots are gone
 *
 * No port of volumes moves snapshots from one dataset to another: what is set aside is told anew, snapshot by snapshot,
 * by streams from here to here.
 */
import type { IoError } from '../../error.ts';
import type { DatasetSpec, SnapInfo } from '../../volumes/port.ts';
import type { Marker } from '../marker.ts';
import { refusal } from '../refusals.ts';
import type { ReplicaRecord } from './record.ts';
import { noRecord } from './record.ts';
import {
  endWork,
  guidOf,
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
import { giveTop } from './streams.ts';

/** @param marker with the epoch of the promotion */
export async function promote(site: Site, spec: DatasetSpec, marker: Marker): Promise<void> {
  const { of, means, hands } = site;
  await writeWork(site, newWork(site, null));
  await hands.step('begun');
  await means.volumes.create(of, spec, site.call);
  await hands.step('given');
  const record = await readRecord(site);
  await writeRecord(site, { ...record, role: 'volume', marker: { ...marker, incoming: null, pending: null } });
  await hands.step('shown');
  await endWork(site);
}

/** @throws IoError INVALID, BUSY */
export async function demote(site: Site, final: string, marker: Marker): Promise<void> {
  const { of, means, hands } = site;
  const info = await means.volumes.inspect(of, site.call);
  if (!info) throw refusal(hands, 'MISSING', 'there is no such volume');
  if (info.adopted !== undefined)
    throw refusal(
      hands,
      'INVALID',
      `${info.path} was there before FloatLab, which does not take it away`,
      'Clone it into a volume of FloatLab, and replicate that.',
    );
  await means.refuseInUse(hands.op, info.path, hands.within);
  await endWork(site);
  const record = await readRecord(site);
  const noted: Marker = { ...marker, incoming: null, pending: { do: 'demote', final } };
  await writeRecord(site, { ...record, role: 'replica', marker: noted });
  await hands.step('noted');
  await finishDemotion(site, final);
}

export async function finishDemotion(site: Site, final: string): Promise<void> {
  const { of, means, hands } = site;
  await means.volumes.create(of, await unlimited(site), site.call);
  await means.volumes.snapshot(of, final, site.call);
  await hands.step('kept');
}

/** @param common guid */
export async function setAside(site: Site, common: string, as: string, marker: Marker): Promise<void> {
  const { of, means, hands } = site;
  const aside = siteOf(means, { pool: of.pool, name: as }, hands);
  if ((await snapshotsOf(aside)) !== undefined) throw taken(site, as);
  const record = await readRecord(site);
  await writeRecord(site, { ...record, marker: { ...marker, pending: { do: 'set-aside', common, as } } });
  await hands.step('noted');
  await finishAside(site, common, as);
}

export async function finishAside(site: Site, common: string, as: string): Promise<void> {
  const { of, means, hands } = site;
  const record = await readRecord(site);
  const begun = await readWork(site);
  const all = ((await snapshotsOf(site)) ?? []).filter(({ name }) => name !== begun?.stash);
  const at = all.findIndex(({ guid }) => guidOf(record, guid) === common);
  const base = all[at];
  const newer = all.slice(at + 1);
  if (!base || newer.length === 0) return;
  const aside = siteOf(means, { pool: of.pool, name: as }, hands);
  if (!(await holds(aside, newer, record))) {
    const { role, marker } = await readRecord(aside);
    // Nobody has ever told it of an epoch or a lineage: it is what an attempt before has made.
    const isOurs = role === 'replica' && marker.lineage === null && marker.incoming === null;
    if (!isOurs && (role === 'replica' || (await snapshotsOf(aside)) !== undefined)) throw taken(site, as);
    await writeRecord(aside, { ...noRecord, role: 'replica' });
    // What an attempt before has made of it, in whatever state.
    await means.volumes.destroy(aside.of, { scrub: false }, site.call);
    const copies = await copyAll(site, aside, newer, record);
    await hands.step('copied');
    await writeRecord(aside, { ...noRecord, copies });
    await hands.step('shown');
  }
  await revert(site, base, newer);
  await hands.step('removed');
}

const taken = ({ hands }: Site, as: string): IoError =>
  refusal(hands, 'EXISTS', `there is already a dataset ${as}`, 'Give another name.');

/** Whether it is the volume that these snapshots were set aside to: nothing is removed before that is certain. */
async function holds(aside: Site, snaps: readonly SnapInfo[], record: ReplicaRecord): Promise<boolean> {
  const { role, copies } = await readRecord(aside);
  const there = await snapshotsOf(aside);
  const isThere = (guid: string): boolean => {
    const copy = copies.find((one) => one.guid === guid);
    return there?.some(({ guid: local }) => local === copy?.local) ?? false;
  };
  return role === 'volume' && snaps.every(({ guid }) => isThere(guidOf(record, guid)));
}

/** The oldest as a clone, each other one by what changed since the one before. */
async function copyAll(
  { of, means, hands, call }: Site,
  aside: Site,
  snaps: readonly SnapInfo[],
  record: ReplicaRecord,
): Promise<ReplicaRecord['copies']> {
  const copies: { guid: string; local: string }[] = [];
  const { volumes } = means;
  const { target, within } = hands;
  let before: SnapInfo | undefined;
  for (const snap of snaps) {
    const path = await volumes.snapshotPath(of, snap.name, call);
    if (before) {
      const base = { id: before.guid, path: await volumes.snapshotPath(of, before.name, call) };
      const how = { target, signal: within.signal, silenceMs: within.timeoutMs };
      const bytes = means.send({ target: { id: snap.guid, path }, base, wholeSeconds: true }, how);
      const into = (await volumes.mount(aside.of, call)).path;
      await means.receive(bytes, { into, ids: { base: before.guid, target: snap.guid } }, how);
    } else {
      const top = await means.topOf(path);
      await volumes.clone(of, snap.name, aside.of, { ...(await unlimited(aside)), ...top }, call);
    }
    const { guid: local } = await volumes.snapshot(aside.of, snap.name, call);
    copies.push({ guid: guidOf(record, snap.guid), local });
    before = snap;
  }
  return copies;
}

async function revert(site: Site, base: SnapInfo, newer: readonly SnapInfo[]): Promise<void> {
  const { of, means, hands } = site;
  const work = (await readWork(site)) ?? newWork(site, null);
  await writeWork(site, work);
  await means.volumes.mount(of, site.call);
  await means.volumes.rollback(of, base.name, work.stash, site.call);
  await hands.step('reverted');
  await giveTop(site, base.name);
  await means.volumes.removeSnapshots(of, [work.stash, ...newer.map(({ name }) => name)], site.call);
  const record = await readRecord(site);
  const gone = new Set(newer.map(({ guid }) => guid));
  await writeRecord(site, { ...record, copies: record.copies.filter(({ local }) => !gone.has(local)) });
  await endWork(site);
}

export async function discard(site: Site): Promise<void> {
  await site.means.volumes.destroy(site.of, { scrub: false }, site.call);
  const record = await readRecord(site);
  await writeRecord(site, { ...record, role: 'volume', copies: [] });
}
