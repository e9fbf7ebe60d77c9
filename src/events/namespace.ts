import * as z from 'zod';
import { event } from './define.ts';
import { metadata } from './values/metadata.ts';

export const namespaceEvents = {
  'namespace.created': event(1, z.strictObject({ metadata })),
  'namespace.deleted': event(1, z.strictObject({})),
};
