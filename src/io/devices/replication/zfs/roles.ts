/**
 * How a replica becomes a volume, a volume a replica, and what diverged a volume of its own: renames, and properties
 * around them. The marker and what is there say what was begun; `settleRole` finishes it.
 *
 *     promote    made       the settings of a volume, on the replica
 *                moved      :replicas/db → db                 ◀ the commit point; the port of volumes mounts it
 *     demote     unmounted
 *                noted      the marker
 *                moved      db → :replicas/db                 ◀ the commit point
 *                quieted    the settings of a replica
 *                kept       @<final>
 *     set aside  noted      the marker
 *                moved      :replicas/db → :replicas/.db      ◀ the commit point
 *                cloned     :replicas/.db@<common> → :replicas/db
 *                promoted   … which has its history from now on
 *                marked     what is left in .db is of the volume <as>, with the settings of one
 *                shown      :replicas/.db → <as>
 */
import type { DatasetSpec } from '../../volumes/port.ts';
import { checkCompression } from '../../volumes/spec.ts';
import { property, volumeNames, volumePath, zpoolOf } from '../../volumes/zfs/layout.ts';
import { settleMaking, stranger } from '../../volumes/zfs/make.ts';
import { renameParent, unmountUnused } from '../../volumes/zfs/mounting.ts';
import { poolCompressions } from '../../volumes/zfs/parse.ts';
import { clearHome, letGo } from '../../volumes/zfs/remove.ts';
import { ensureHome, refuseChildren, reread } from '../../volumes/zfs/site.ts';
import { readVolume, type Present } from '../../volumes/zfs/state.ts';
import type { Marker, Pending } from '../marker.ts';
import { refusal } from '../refusals.ts';
import { holdTag, peersProperty } from './layout.ts';
import { accept, arrived, drop } from './streams.ts';
import { readParts, type Part, type ReplicaSite } from './site.ts';

type Note = (pending: Pending) => Promise<void>;
export type Parts = ReadonlyMap<string, Part>;

/**
 * Finishes what was interrupted; nearly always there is nothing to do.
 * @param seen what was there before @returns what is there then: the same when nothing was done
 */
export async function settleRole(site: ReplicaSite, marker: Marker, isReceiving: boolean, seen: Parts): Promise<Parts> {
  const { at } = site;
  const { pending, incoming } = marker;
  const inPart = new Set([at.fresh, at.replica]);
  const look = () => readParts(site, [...inPart]);
  let parts = seen;
  if (pending?.do === 'set-aside') {
    await finishAside(site, pending.common, pending.as);
    parts = await look();
  }
  if (parts.get(at.replica)?.isVolume) {
    await quiet(site);
    parts = await look();
  }
  if (pending?.do === 'demote' && parts.has(at.replica)) {
    await keepFinal(site, pending.final);
    parts = await look();
  }
  if (isReceiving) return parts;
  const fresh = parts.get(at.fresh);
  const isPrivate = fresh !== undefined || parts.get(at.replica)?.snaps.some(({ name }) => name.startsWith('.'));
  if (!isPrivate) return parts;
  if (incoming && arrived(new Map([...parts].filter(([dataset]) => inPart.has(dataset))), incoming.to.guid)) {
    await accept(site, incoming);
    return look();
  }
  // What can be resumed stays as long as somebody may send the rest of it.
  if (fresh?.token !== undefined && incoming) return parts;
  await drop(site);
  return look();
}

/** @throws IoError EXISTS, UNSUPPORTED */
export async function promote(site: ReplicaSite, spec: DatasetSpec): Promise<void> {
  const { zfs, at, pool, step, name, op } = site;
  const volume = await readVolume(zfs, pool.root, name, op);
  if (volume.stranger !== undefined) throw stranger(site, volume.stranger);
  if (spec.compression !== undefined && spec.compression !== 'off') {
    const has = poolCompressions(await zfs.tools(), await zfs.pool(zpoolOf(pool.root)));
    checkCompression(op, { pool: pool.name, name }, spec, has);
  }
  await ensureHome(site, volume);
  const { owner, mode } = spec;
  await zfs.set(at.replica, {
    canmount: 'noauto',
    mountpoint: volumePath(pool.mountBase, name),
    refquota: String(spec.sizeBytes),
    readonly: 'off',
    ...(spec.recordSizeBytes === undefined ? {} : { recordsize: String(spec.recordSizeBytes) }),
    ...(spec.compression === undefined ? {} : { compression: spec.compression }),
    ...((await zfs.tools()).overlay ? { overlay: 'off' } : {}),
    [property.volume]: name,
    // The port of volumes finishes it from here, as it does with one that it made.
    [property.making]: JSON.stringify({ ...(owner ? { owner } : {}), ...(mode === undefined ? {} : { mode }) }),
  });
  await step('made');
  await renameParent(site, at.replica, volume.names.top);
  await step('moved');
  await settleMaking(site, await reread(site, volume));
}

/** The caller has looked whether there is a replica of this name. @throws IoError INVALID, BUSY */
export async function demote(site: ReplicaSite, volume: Present, final: string, note: Note): Promise<void> {
  const { at, step } = site;
  const { live, record } = volume;
  if (record)
    throw refusal(
      site,
      'INVALID',
      `${live.dataset} was there before FloatLab, which does not move it`,
      'Clone it into a volume of FloatLab, and replicate that.',
    );
  refuseChildren(site, live.dataset, volume.children);
  await unmountUnused(site, live);
  await step('unmounted');
  await note({ do: 'demote', final });
  await step('noted');
  await renameParent(site, live.dataset, at.replica);
  await step('moved');
  await quiet(site);
  await step('quieted');
  await keepFinal(site, final);
  await step('kept');
}

/** The settings of a replica, on what has been a volume, or nearly was one. */
async function quiet({ zfs, at }: ReplicaSite): Promise<void> {
  await zfs.set(at.replica, { canmount: 'off', readonly: 'on', refquota: 'none', reservation: 'none' });
  // The mark goes last: while it is there, this is done again.
  for (const name of ['mountpoint', property.making, property.rollback, property.volume])
    await zfs.inherit(at.replica, name);
}

async function keepFinal(site: ReplicaSite, final: string): Promise<void> {
  const { zfs, at, name } = site;
  const part = (await readParts(site, [at.replica])).get(at.replica);
  if (!part || part.snaps.some((snap) => snap.name === final)) return;
  await zfs.snapshot([`${at.replica}@${final}`], { [property.volume]: name });
}

/** @param common guid @throws IoError EXISTS */
export async function setAside(site: ReplicaSite, common: string, as: string, note: Note): Promise<void> {
  const { zfs, pool, step, op } = site;
  const volume = await readVolume(zfs, pool.root, as, op);
  const other = `${site.at.holder}/${as}`;
  if (volume.live || volume.stranger !== undefined || (await readParts(site, [other])).has(other))
    throw refusal(site, 'EXISTS', `there is already a dataset ${as}`, 'Give another name.');
  await note({ do: 'set-aside', common, as });
  await step('noted');
  await renameParent(site, site.at.replica, site.at.aside);
  await step('moved');
  await finishAside(site, common, as);
}

async function finishAside(site: ReplicaSite, common: string, as: string): Promise<void> {
  const { zfs, at, pool, step } = site;
  const parts = await readParts(site, [at.aside, at.replica]);
  const aside = parts.get(at.aside);
  // Not decided yet, or shown already.
  if (!aside) return;
  if (!parts.has(at.replica)) {
    const base = aside.snaps.find(({ guid }) => guid === common);
    if (!base)
      throw refusal(site, 'DAMAGED', `${at.aside} has no snapshot ${common}`, 'Look at it with `zfs list -t all`.');
    await zfs.clone(`${at.aside}@${base.name}`, at.replica, { canmount: 'off', readonly: 'on' });
  }
  await step('cloned');
  const now = (await readParts(site, [at.replica])).get(at.replica);
  if (now?.origin?.startsWith(`${at.aside}@`)) await zfs.promote(at.replica);
  await step('promoted');
  const left = (await readParts(site, [at.aside])).get(at.aside);
  for (const { name } of left?.snaps ?? []) {
    const full = `${at.aside}@${name}`;
    // Nobody follows what diverged, so nobody needs it.
    for (const peer of left?.peers.get(name) ?? []) await site.streams.release(holdTag(peer), full);
    if (left?.peers.has(name)) await zfs.inherit(full, peersProperty);
    await zfs.set(full, { [property.volume]: as });
  }
  await zfs.set(at.aside, {
    canmount: 'noauto',
    mountpoint: volumePath(pool.mountBase, as),
    readonly: 'off',
    [property.volume]: as,
    [property.making]: '{}',
  });
  await step('marked');
  const volume = await readVolume(zfs, pool.root, as, site.op);
  await ensureHome(site, volume);
  await renameParent(site, at.aside, volumeNames(pool.root, as).top);
  await step('shown');
  await settleMaking(site, await reread(site, volume));
}

/** Those that have clones go with the last of these. */
export async function removeSnapshots(site: ReplicaSite, names: readonly string[]): Promise<void> {
  const part = (await readParts(site, [site.at.replica])).get(site.at.replica);
  const going = part?.snaps.filter(({ name, ours }) => ours && names.includes(name)) ?? [];
  if (going.length > 0) await letGo(site, going);
}

/** As a volume ends: by the trash of its name. */
export async function discard(site: ReplicaSite): Promise<void> {
  const { zfs, pool, at, name, op, step } = site;
  await drop(site);
  const volume = await readVolume(zfs, pool.root, name, op);
  const part = (await readParts(site, [at.replica])).get(at.replica);
  if (!part) return;
  const [other] = part.snaps.filter(({ ours }) => !ours);
  if (other)
    throw refusal(
      site,
      'HELD',
      `${other.dataset}@${other.name} is not a snapshot of FloatLab, and would go with the replica`,
      `Remove it with its own tool, or with \`zfs destroy ${other.dataset}@${other.name}\`.`,
    );
  await ensureHome(site, volume, { [property.leaving]: 'on' });
  await renameParent(site, at.replica, volume.names.trash);
  await step('trashed');
  await clearHome(site, await reread(site, volume));
}
