/** The lab itself: created once; its settings. */
import { z } from 'zod';
import { event } from './define.ts';
import { metadata } from './values/metadata.ts';

/** An IANA name such as `Europe/Berlin`; whether it exists is checked before anything is appended. */
export const timeZone = z.string().min(1).max(64);

export const clusterEvents = {
  'cluster.created': event(1, z.strictObject({ metadata, timeZone })),
  'cluster.settings-changed': event(1, z.strictObject({ timeZone })),
};
