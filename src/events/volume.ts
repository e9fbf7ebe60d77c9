/** A volume: data of an app, on one node, in one pool. */
import { z } from 'zod';
import { asItWas, event, type Upcast } from './define.ts';
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

/** What a compose file calls a volume; the volume of the lab is `<app>-<key>`, with what a name cannot have replaced. */
export const volumeKey = z
  .string()
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/,
    'not a valid volume name: use 1 to 63 of letters, digits, ".", "_" and "-"',
  );

/** Of a volume or a pool, when it began to be too full, or was no longer. */
export const fill = z.strictObject({ usedBytes: z.int().min(0), sizeBytes: z.int().min(0) });
export type Fill = z.infer<typeof fill>;

/** Before schema 2 nobody said how long. */
const justBegun: Upcast = (data: object) => ({ ...data, lasts: false });

export const volumeEvents = {
  'volume.created': event(1, z.strictObject({ metadata, spec: volumeSpec, app: appRef.exactOptional() })),
  /** It has no place yet; said once for each reason, and once more when it `lasts`. */
  'volume.delayed': event(2, z.strictObject({ problem, lasts: z.boolean() }), { 1: justBegun }),
  'volume.placed': event(1, z.strictObject({ node: nodeRef, pool: z.string().min(1).max(255) })),
  'volume.provisioned': event(
    1,
    z.strictObject({ dataset: z.string().min(1).max(255), path: z.string().min(1).max(4096) }),
  ),
  'volume.failed': event(1, z.strictObject({ problem })),
  'volume.retried': event(1, z.strictObject({})),
  'volume.spec-changed': event(1, z.strictObject({ spec: volumeSpec })),
  'volume.attached': event(1, z.strictObject({ app: appRef })),
  /** It is kept without an app; `of` is the only app that may have it again, and what that calls it. */
  'volume.detached': event(
    2,
    z.strictObject({ of: z.strictObject({ app: name, volume: volumeKey }).exactOptional() }),
    { 1: asItWas },
  ),
  /** Nearly all of its size is used. */
  'volume.filled': event(1, fill),
  'volume.eased': event(1, fill),
  'volume.rollback-requested': event(1, z.strictObject({ snapshot: snapshotRef, stash: name })),
  'volume.drained': event(1, z.strictObject({})),
  'volume.rolled-back': event(1, z.strictObject({})),
  'volume.deletion-requested': event(1, z.strictObject({})),
  'volume.deleted': event(1, z.strictObject({})),
};
