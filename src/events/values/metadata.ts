/** What every object of the lab carries, whatever its kind. */
import * as z from 'zod';
import { labels, name } from './name.ts';

export const apiVersion = 'floatlab/v1';

export const metadata = z.strictObject({
  name,
  namespace: name,
  labels,
  annotations: labels,
  uuid: z.uuid(),
});
export type Metadata = z.infer<typeof metadata>;

/** Why something went wrong: a stable code to branch on, sentences to read. */
export const problem = z.strictObject({
  code: z.string().regex(/^[A-Z][A-Z0-9_]*$/),
  message: z.string().max(4000),
  hint: z.string().max(1000).exactOptional(),
});
export type Problem = z.infer<typeof problem>;

/** Address of bytes in the blob store. */
export const blobRef = z.string().regex(/^[0-9a-f]{64}$/);
