/** A volume: data of an app, on one node, in one pool. */
import { z } from 'zod';
import { event } from './define.ts';
import { keep } from './values/keep.ts';
import { metadata, problem } from './values/metadata.ts';
import { name } from './values/name.ts';
import { volumeSize } from './values/size.ts';

export const volumeSpec = z.strictObject({
  sizeBytes: volumeSize,
  /** Retention of its snapshots; without one everything is kept. */
  keep: keep.exactOptional(),
});
export type VolumeSpec = z.infer<typeof volumeSpec>;

export const appRef = z.templateLiteral(['app:', z.string()]);
export const nodeRef = z.templateLiteral(['node:', z.string()]);
export const volumeRef = z.templateLiteral(['volume:', z.string()]);
export const snapshotRef = z.templateLiteral(['snapshot:', z.string()]);

export const volumeEvents = {
  'volume.created': event(1, z.strictObject({ metadata, spec: volumeSpec, app: appRef.exactOptional() })),
  /** It has no place yet; said once for each reason. */
  'volume.delayed': event(1, z.strictObject({ problem })),
  'volume.placed': event(1, z.strictObject({ node: nodeRef, pool: z.string().min(1).max(255) })),
  'volume.provisioned': event(
    1,
    z.strictObject({ dataset: z.string().min(1).max(255), path: z.string().min(1).max(4096) }),
  ),
  'volume.failed': event(1, z.strictObject({ problem })),
  'volume.retried': event(1, z.strictObject({})),
  'volume.spec-changed': event(1, z.strictObject({ spec: volumeSpec })),
  'volume.attached': event(1, z.strictObject({ app: appRef })),
  'volume.detached': event(1, z.strictObject({})),
  'volume.rollback-requested': event(1, z.strictObject({ snapshot: snapshotRef, stash: name })),
  'volume.drained': event(1, z.strictObject({})),
  'volume.rolled-back': event(1, z.strictObject({})),
  'volume.deletion-requested': event(1, z.strictObject({})),
  'volume.deleted': event(1, z.strictObject({})),
};
