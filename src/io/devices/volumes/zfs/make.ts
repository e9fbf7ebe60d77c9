/**
 * Making a volume, empty or as a clone:
 *
 *     made      <root>/_<name>, with its size and its note `floatlab:making`: which owner and mode it is to have
 *     named     renamed to its place: from now on there is a volume
 *     given     mounted, with owner and mode
 *     cleared   the note is removed
 *
 * Interrupted before `named`, what was made is thrown away by the next attempt; after it, the next call to the volume
 * does the rest.
 */
import * as z from 'zod';
import { IoError } from '../../error.ts';
import type { DatasetSpec } from '../port.ts';
import { checkCompression } from '../spec.ts';
import type { Settings } from './commands.ts';
import { property, volumePath, zpoolOf } from './layout.ts';
import { ensureMounted, whenNotBusy } from './mounting.ts';
import { ownValue, poolCompressions } from './parse.ts';
import type { Site } from './site.ts';
import { ensureHome, giveTop, reread } from './site.ts';
import type { Entry, Volume } from './state.ts';

const makingSchema = z.strictObject({
  owner: z.strictObject({ uid: z.int(), gid: z.int() }).optional(),
  mode: z.int().optional(),
});

/**
 * Makes the volume, or gives the one that is there what can still be changed.
 * @param begin makes the dataset `names.fresh` with these settings
 * @returns it, as it is by then
 */
export async function make(
  site: Site,
  volume: Volume,
  spec: DatasetSpec,
  begin: (settings: Settings) => Promise<void>,
): Promise<Volume> {
  const { zfs, step, pool } = site;
  const { names, live } = volume;
  if (live) {
    await checkCompressed(site, spec, names.volume);
    const size = String(spec.sizeBytes);
    if (live.properties.get('refquota')?.value !== size) await zfs.set(live.dataset, { refquota: size });
    await giveTop(site, live, spec);
    return reread(site, volume);
  }
  if (volume.stranger !== undefined) throw stranger(site, volume.stranger);
  if (volume.lines.length > 0) throw orphaned(site, volume);
  await checkCompressed(site, spec, names.volume);
  const { owner, mode } = spec;
  const making = { ...(owner ? { owner } : {}), ...(mode === undefined ? {} : { mode }) };
  // What a destruction needs is there before: on a full pool it could not be made.
  await ensureHome(site, volume);
  await begin({
    canmount: 'noauto',
    mountpoint: volumePath(pool.mountBase, names.volume),
    refquota: String(spec.sizeBytes),
    ...(spec.recordSizeBytes === undefined ? {} : { recordsize: String(spec.recordSizeBytes) }),
    ...(spec.compression === undefined ? {} : { compression: spec.compression }),
    // What somebody wrote below the mount point must be seen, not hidden.
    ...((await zfs.tools()).overlay ? { overlay: 'off' } : {}),
    [property.volume]: names.volume,
    [property.making]: JSON.stringify(making),
  });
  await step('made');
  await whenNotBusy(site.within, () => zfs.rename(names.fresh, names.top));
  await step('named');
  return settleMaking(site, await reread(site, volume));
}

/** Does what is left of an interrupted `make`. @returns the volume, as it is by then */
export async function settleMaking(site: Site, volume: Volume): Promise<Volume> {
  const { live } = volume;
  const text = live && ownValue(live.properties, property.making);
  if (!live || text === undefined) return volume;
  await ensureMounted(site, live);
  await giveTop(site, { ...live, mounted: true }, given(live, text));
  await site.step('given');
  await site.zfs.inherit(live.dataset, property.making);
  await site.step('cleared');
  return reread(site, volume);
}

/** A compression that the pool does not have. @throws IoError UNSUPPORTED */
async function checkCompressed({ zfs, op, pool }: Site, spec: DatasetSpec, volume: string): Promise<void> {
  if (spec.compression === undefined || spec.compression === 'off') return;
  const has = poolCompressions(await zfs.tools(), await zfs.pool(zpoolOf(pool.root)));
  checkCompression(op, { pool: pool.name, name: volume }, spec, has);
}

export const stranger = ({ op, target }: Site, dataset: string): IoError =>
  new IoError('EXISTS', {
    op,
    target,
    message: `${dataset} is there, and FloatLab did not make it`,
    hint: `Rename it to another place: zfs rename ${dataset} …`,
  });

const orphaned = ({ op, target }: Site, { names, lines }: Volume): IoError =>
  new IoError('DAMAGED', {
    op,
    target,
    message: `${names.top} is missing, but ${lines.length} datasets with what it was are there: no empty one is made over them`,
    hint: `Make it from one of ${names.home} with \`zfs clone\`, or destroy ${names.home}.`,
  });

function given(live: Entry, text: string): z.infer<typeof makingSchema> {
  try {
    return makingSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new IoError('DAMAGED', {
      op: 'create',
      target: live.dataset,
      message: `${live.dataset} does not say which owner it is to have: ${JSON.stringify(text.slice(0, 100))}`,
      hint: `If owner and mode are right, run \`zfs inherit ${property.making} ${live.dataset}\`.`,
      cause,
    });
  }
}
