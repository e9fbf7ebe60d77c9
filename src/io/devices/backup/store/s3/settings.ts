/** Where a bucket is and with which keys: what a person enters, checked. */
import * as z from 'zod';
import { isKey } from '../port.ts';

export const s3Settings = z.strictObject({
  /** `https://s3.eu-central-1.amazonaws.com`, `http://127.0.0.1:9000`. Without a path. */
  endpoint: z.url({ protocol: /^https?$/ }).refine((text) => {
    const { pathname, search, hash, username, password } = new URL(text);
    return pathname === '/' && search + hash + username + password === '';
  }, 'write scheme, host and port alone: https://host:port'),
  region: z.string().regex(/^[a-z0-9-]{1,64}$/),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
  /** Folder in the bucket; empty: all of it. */
  prefix: z
    .string()
    .refine((text) => text === '' || isKey(text), 'a–z, 0–9, dot and dash, with slashes between names')
    .default(''),
  /** `path`: endpoint/bucket/key. `virtual`: bucket.endpoint/key. */
  style: z.enum(['path', 'virtual']).default('path'),
  accessKeyId: z.string().min(1).max(256),
  secretAccessKey: z.string().min(1).max(1024),
  sessionToken: z.string().max(8192).optional(),
});
export type S3Settings = z.infer<typeof s3Settings>;

/** @returns the address of the bucket, without a slash at its end */
export function bucketUrl({ endpoint, bucket, style }: S3Settings): string {
  const url = new URL(endpoint);
  if (style === 'virtual') return `${url.protocol}//${bucket}.${url.host}`;
  return `${url.protocol}//${url.host}/${bucket}`;
}
