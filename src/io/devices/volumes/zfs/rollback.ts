/**
 * Rolling back without a moment at which data could be lost. `zfs rollback` would destroy every newer snapshot, so the
 * volume becomes another dataset: a clone of the snapshot takes its name and place, and what it was is kept as a lineage,
 * with the snapshots that are newer.
 *
 *     stashed      live@.stash                         read-only, private until it is decided
 *     cloned       home/next   a clone of the snapshot, with all settings of live, and a note of what is left to do
 *     unmounted    live
 *     moved-aside  live → home/<txg>                   ◀ the commit point
 *     moved-in     home/next → live
 *     recorded     the record of an adopted one has the new guid
 *     quieted      the lineage is never mounted and reserves nothing
 *     promoted     the snapshots that are older belong to live again
 *     kept         @.stash → @<stash>, in the lineage
 *     mounted      with owner and mode as before
 *     cleared      the note is removed
 *
 * Interrupted before the commit point, what was made is thrown away: nothing happened. Interrupted after it, the rest
 * is done: everything happened. `settle` does one or the other, and every method of the port calls it first, so nobody
 * ever sees the middle.
 */
import * as z from 'zod';
import { IoError } from '../../error.ts';
import type { Settings } from './commands.ts';
import { property, stashName } from './layout.ts';
import { ensureMounted, renameParent, unmountUnused, whenNotBusy } from './mounting.ts';
import type { Properties } from './parse.ts';
import { ownValue } from './parse.ts';
import { destroyQuietly } from './remove.ts';
import type { Site } from './site.ts';
import { ensureHome, giveTop, refuseChildren, reread } from './site.ts';
import type { Entry, Snap, Volume } from './state.ts';
import { readEntry } from './state.ts';

const rollbackSchema = z.strictObject({ to: z.string(), stash: z.string() });
type Rollback = z.infer<typeof rollbackSchema>;

const pendingSchema = z.strictObject({
  ...rollbackSchema.shape,
  uid: z.int(),
  gid: z.int(),
  mode: z.int(),
  canmount: z.string(),
  /** Room that live had for itself: moved to the new one, and never reserved twice. */
  reserved: z.strictObject({ reservation: z.string().optional(), refreservation: z.string().optional() }),
});
type Pending = z.infer<typeof pendingSchema>;

/** The caller has checked: settled, no snapshot has the name of the stash. @returns the volume afterwards */
export async function rollBack(site: Site, volume: Volume, to: Snap, stash: string): Promise<Volume> {
  const { zfs, step } = site;
  const { names } = volume;
  const live = known(site, volume);
  refuseChildren(site, live.dataset, volume.children);
  await ensureMounted(site, live);
  const { uid, gid, mode } = await zfs.ownerOf(live.mountpoint);
  const { settings, canmount, reserved } = await settingsOf(site, live.dataset);
  const pending: Pending = { to: to.name, stash, uid, gid, mode, canmount, reserved };
  await ensureHome(site, volume);
  await zfs.snapshot([`${live.dataset}@${stashName}`], { [property.volume]: names.volume });
  await step('stashed');
  const last: Rollback = { to: to.name, stash };
  await zfs.clone(`${to.dataset}@${to.name}`, names.next, {
    ...settings,
    canmount: 'off',
    [property.rollback]: JSON.stringify(last),
    [property.pending]: JSON.stringify(pending),
  });
  await step('cloned');
  try {
    await unmountUnused(site, { ...live, mounted: true });
  } catch (error) {
    if (!site.within.signal.aborted) await settle(site, await reread(site, volume));
    throw error;
  }
  await step('unmounted');
  await renameParent(site, live.dataset, names.line(live.txg));
  await step('moved-aside');
  return settle(site, await reread(site, volume));
}

/** Brings an interrupted roll-back to its end, or undoes it. @returns the volume, settled */
export async function settle(site: Site, volume: Volume): Promise<Volume> {
  const { live, next, record } = volume;
  const isReleasing = record && ownValue(record.properties, property.releasing) !== undefined;
  if (isReleasing || volume.trash) return volume;
  if (next && live) return discard(site, volume, live, next);
  if (next || (live && ownValue(live.properties, property.pending) !== undefined)) return finish(site, volume);
  const left = volume.snaps.find((snap) => snap.name === stashName && snap.ours && snap.dataset === live?.dataset);
  if (left) {
    await site.zfs.destroySnapshots(left.dataset, [left.name]);
    return reread(site, volume);
  }
  return volume;
}

/** @returns the roll-back that was the last to be completed, if any */
export function lastRollback({ live }: Volume): Rollback | undefined {
  const text = live && ownValue(live.properties, property.rollback);
  return text === undefined ? undefined : parse(rollbackSchema, text, live?.dataset ?? '');
}

/** Before the commit point: live is untouched, the rest was private. */
async function discard(site: Site, volume: Volume, live: Entry, next: Entry): Promise<Volume> {
  await destroyQuietly(site, next);
  const stash = volume.snaps.find((snap) => snap.name === stashName && snap.dataset === live.dataset);
  if (stash) await site.zfs.destroySnapshots(live.dataset, [stashName]);
  await ensureMounted(site, live);
  return reread(site, volume);
}

async function finish(site: Site, volume: Volume): Promise<Volume> {
  const { zfs, step } = site;
  const { names, place, record } = volume;
  if (volume.next && !volume.live) await whenNotBusy(site.within, () => zfs.rename(names.next, place));
  await step('moved-in');
  const live = await mustRead(site, place);
  const text = ownValue(live.properties, property.pending);
  if (text === undefined) return reread(site, volume);
  const pending = parse(pendingSchema, text, place);
  if (record && ownValue(record.properties, property.guid) !== live.guid)
    await zfs.set(record.dataset, { [property.guid]: live.guid });
  await step('recorded');
  const line = volume.lines.find(({ dataset }) =>
    volume.snaps.some((snap) => snap.dataset === dataset && [stashName, pending.stash].includes(snap.name)),
  );
  if (line) await quiet(site, line, pending);
  await step('quieted');
  await takeHistory(site, live, volume);
  await step('promoted');
  const stash = volume.snaps.find((snap) => snap.name === stashName && snap.dataset === line?.dataset);
  if (stash) await zfs.rename(`${stash.dataset}@${stashName}`, `${stash.dataset}@${pending.stash}`);
  await step('kept');
  await open(site, live, pending);
  await step('mounted');
  await zfs.inherit(place, property.pending);
  await step('cleared');
  return reread(site, volume);
}

/** What is kept is never mounted, wherever it had its place, and takes no room but for what it holds. */
async function quiet({ zfs }: Site, line: Entry, { reserved }: Pending): Promise<void> {
  const none = Object.keys(reserved).map((name) => [name, 'none'] as const);
  const settings = Object.fromEntries(none);
  if (line.canmount !== 'off') Object.assign(settings, { canmount: 'off' });
  if (Object.keys(settings).length > 0) await zfs.set(line.dataset, settings);
}

/** The clone of a lineage's snapshot gets the snapshots that are older, one generation after another. */
async function takeHistory({ zfs, within }: Site, live: Entry, { lines }: Volume): Promise<void> {
  const lineOf = (origin: string | undefined) => lines.find(({ dataset }) => origin?.startsWith(`${dataset}@`));
  // Each lineage becomes a clone of live, and live a clone of what the lineage was one of.
  for (let line = lineOf(live.origin); line !== undefined; line = lineOf(line.origin)) {
    within.check();
    await zfs.promote(live.dataset);
  }
}

async function open(site: Site, live: Entry, pending: Pending): Promise<void> {
  const { zfs } = site;
  const reserved = Object.entries(pending.reserved).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  await zfs.set(live.dataset, { canmount: pending.canmount, ...Object.fromEntries(reserved) });
  const { uid, gid, mode } = pending;
  await ensureMounted(site, { ...live, canmount: pending.canmount });
  await giveTop(site, { ...live, mounted: true }, { owner: { uid, gid }, mode });
}

/** Not copied: what is decided anew, or belongs to the dataset and not to its content. */
const left: ReadonlySet<string> = new Set(['canmount', 'keylocation', property.pending, property.rollback]);

/** All that was set on a dataset itself, so that its successor has it too. */
async function settingsOf(
  { zfs }: Site,
  dataset: string,
): Promise<{ settings: Settings; canmount: string; reserved: Pending['reserved'] }> {
  const properties: Properties = (await zfs.get(['all'], [dataset])).get(dataset) ?? new Map();
  const settings: Record<string, string> = {};
  const reserved: { reservation?: string; refreservation?: string } = {};
  for (const name of properties.keys()) {
    const value = ownValue(properties, name);
    if (value === undefined || left.has(name)) continue;
    if (name === 'reservation' || name === 'refreservation') {
      if (value !== '0' && value !== 'none') reserved[name] = value;
    } else settings[name] = value;
  }
  return { settings, canmount: ownValue(properties, 'canmount') ?? 'on', reserved };
}

function known({ op, target }: Site, { live }: Volume): Entry {
  if (live) return live;
  throw new IoError('MISSING', { op, target, message: `there is no dataset ${target}` });
}

async function mustRead(site: Site, dataset: string): Promise<Entry> {
  const entry = await readEntry(site.zfs, dataset);
  if (entry) return entry;
  throw new IoError('DAMAGED', {
    op: site.op,
    target: dataset,
    message: `${dataset} went away in the middle of a roll-back`,
    hint: `What it held is kept below ${dataset.split('/').slice(0, -1).join('/')}: look with \`zfs list -r\`.`,
  });
}

function parse<T>(schema: z.ZodType<T>, text: string, dataset: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new IoError('DAMAGED', {
      op: 'rollback',
      target: dataset,
      message: `${dataset} does not say which roll-back it belongs to: ${JSON.stringify(text.slice(0, 100))}`,
      hint: `If its files are complete, run \`zfs inherit ${property.pending} ${dataset}\`.`,
      cause,
    });
  }
}
