/**
 * What makes a backup one: `manifests/<id>`, written last. JSON in a sealed object; strict, because it comes from
 * outside, and limited, because it is read into memory.
 */
import * as z from 'zod';
import { sha256 } from '#events/values/peer.ts';
import type { RepositoryKeys } from './keys.ts';
import { damagedObject, format, openObject, sealObject } from './seal.ts';

export const maxManifestBytes = 16 * 1024 * 1024;

/** Chosen by whoever asks for the backup: asking again with the same one makes no second backup. */
const backupId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
const text = z.string().min(1).max(200);
const bytes = z.int().min(0);
const at = z.int().min(0);

const stream = z.strictObject({
  sizeBytes: bytes,
  /** Of the whole stream. */
  sha256,
  chunks: z.int().min(0),
  /** Ids of the chunks that its list is cut into, in order. */
  list: z.array(sha256).max(200_000),
});
export type StreamRef = z.infer<typeof stream>;

/** What the backup is of, as its lab says it. */
export const subject = z.strictObject({
  lab: text,
  volume: text,
  snapshot: z.strictObject({ guid: text, name: text.optional(), takenAt: at }),
  app: text.optional(),
  /** Of volumes that were snapshotted together: all of it, this one included. */
  set: z.strictObject({ id: text, volumes: z.array(text).max(1000) }).optional(),
});
export type Subject = z.infer<typeof subject>;

const fileName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,100}(\/[A-Za-z0-9._-]{1,100}){0,8}$/)
  .refine((name) => !name.split('/').some((part) => part === '.' || part === '..'), 'leads out');

export const manifest = z.strictObject({
  format: z.literal(format),
  id: backupId,
  subject,
  /** By the clock of the lab. */
  startedAt: at,
  /** A tar. */
  content: stream,
  /** What is where in it (`catalog.ts`); none where it was no tar that FloatLab reads. */
  catalog: stream.optional(),
  /** What the app needs beside the volume: compose and env files. */
  files: z.array(z.strictObject({ name: fileName, content: stream })).max(1000),
  /** What this backup added: chunks that were new, and what they take in the store. */
  added: z.strictObject({ chunks: z.int().min(0), plainBytes: bytes, storedBytes: bytes }),
});
export type Manifest = z.infer<typeof manifest>;

export const manifestKey = (id: string): string => `manifests/${id}`;
export const idOfManifest = (key: string): string | undefined =>
  backupId.safeParse(key.slice('manifests/'.length)).data;

export const streamsOf = ({ content, catalog, files }: Manifest): readonly StreamRef[] => [
  content,
  ...(catalog ? [catalog] : []),
  ...files.map((file) => file.content),
];

export const writeManifest = (keys: RepositoryKeys, value: Manifest): Buffer =>
  sealObject(keys, 'FLABMFST', Buffer.from(JSON.stringify(manifest.parse(value))));

/** @throws IoError DAMAGED, UNSUPPORTED */
export function readManifest(keys: RepositoryKeys, id: string, object: Uint8Array): Manifest {
  const key = manifestKey(id);
  const parsed = manifest.safeParse(json(openObject(keys, 'FLABMFST', key, object)));
  if (!parsed.success) throw damagedObject(key, parsed.error.issues[0]?.message ?? 'it cannot be read');
  // One manifest under the name of another would pass for it.
  if (parsed.data.id !== id) throw damagedObject(key, `it is that of ${parsed.data.id}`);
  return parsed.data;
}

export function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
