/** A volume as the port tells of it. */
import type { DatasetInfo } from '../port.ts';
import { volumePath } from './layout.ts';
import { compressionOf } from './parse.ts';
import { missing } from './refusals.ts';
import type { Site } from './site.ts';
import type { Volume } from './state.ts';

/** @throws IoError MISSING */
export function info({ live, record, names }: Volume, site: Site): DatasetInfo {
  if (!live) throw missing(site);
  const value = (name: string) => live.properties.get(name)?.value ?? '';
  const bytes = (name: string) => Number(value(name)) || undefined;
  const recordSizeBytes = bytes('recordsize');
  const compression = compressionOf(value('compression'));
  return {
    path: live.mountpoint.startsWith('/') ? live.mountpoint : volumePath(site.pool.mountBase, names.volume),
    usedBytes: bytes('referenced') ?? 0,
    sizeBytes: bytes('refquota'),
    ...(recordSizeBytes === undefined ? {} : { recordSizeBytes }),
    ...(compression === undefined ? {} : { compression }),
    ...(record ? { adopted: live.dataset } : {}),
  };
}
