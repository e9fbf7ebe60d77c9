/**
 * The repository's own file, `config` and a copy of it: which repository this is and how chunks are cut. JSON, for people
 * too, sealed by an HMAC of its other fields in their order.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { storeError } from '../store/port.ts';
import type { ChunkSizes } from './chunker.ts';
import { keyIdBytes, repositoryIdBytes, repositoryKeys, type RepositoryKeys } from './keys.ts';
import { json } from './manifest.ts';
import { damagedObject, format, tooNew } from './seal.ts';

export const configKeys = ['config', 'config.copy'] as const;
export const maxConfigBytes = 4096;

/** Some hundred thousand chunks to a terabyte, and what changes in a file costs about one. */
export const defaultSizes: ChunkSizes = { minBytes: 256 * 1024, averageBytes: 1024 * 1024, maxBytes: 4 * 1024 * 1024 };
/** Of lists and catalogs, which are small beside what they describe. */
export const smallSizes: ChunkSizes = { minBytes: 16 * 1024, averageBytes: 64 * 1024, maxBytes: 256 * 1024 };

const hex = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * length}}$`));
const size = z
  .int()
  .min(32)
  .max(64 * 1024 * 1024);
const fields = z.strictObject({
  format: z.literal(format),
  repository: hex(repositoryIdBytes),
  keyId: hex(keyIdBytes),
  chunks: z
    .strictObject({ minBytes: size, averageBytes: size, maxBytes: size })
    .refine(({ minBytes, averageBytes, maxBytes }) => minBytes < averageBytes && averageBytes < maxBytes)
    .refine(({ averageBytes }) => Number.isInteger(Math.log2(averageBytes))),
  seal: hex(32),
});
const anyFormat = z.object({ format: z.int() });

export interface Config {
  readonly keys: RepositoryKeys;
  readonly sizes: ChunkSizes;
}

export function writeConfig({ keys, sizes }: Config): Buffer {
  const { minBytes, averageBytes, maxBytes } = sizes;
  const open: Omit<z.infer<typeof fields>, 'seal'> = {
    format,
    repository: Buffer.from(keys.repository).toString('hex'),
    keyId: Buffer.from(keys.keyId).toString('hex'),
    chunks: { minBytes, averageBytes, maxBytes },
  };
  return Buffer.from(`${JSON.stringify({ ...open, seal: sealOf(keys, open).toString('hex') }, null, 2)}\n`);
}

/** @throws IoError DAMAGED, UNSUPPORTED; PERMISSION for the repository of another key */
export function readConfig(name: string, where: string, key: Uint8Array, bytes: Uint8Array): Config {
  const value = json(bytes);
  const found = anyFormat.safeParse(value).data?.format ?? format;
  if (found > format) throw tooNew(name, found);
  const parsed = fields.safeParse(value);
  if (!parsed.success) throw damagedObject(name, 'it is not what FloatLab wrote');
  const { seal, ...open } = parsed.data;
  const keys = repositoryKeys(key, Buffer.from(open.repository, 'hex'));
  if (!Buffer.from(keys.keyId).equals(Buffer.from(open.keyId, 'hex'))) throw otherKey(where, open.keyId);
  if (!timingSafeEqual(sealOf(keys, open), Buffer.from(seal, 'hex'))) throw damagedObject(name, 'its seal is broken');
  return { keys, sizes: open.chunks };
}

const otherKey = (where: string, keyId: string) =>
  storeError(
    'PERMISSION',
    'open',
    where,
    `the backups in ${where} belong to another key (${keyId}): another lab made them, or this one with another key`,
    'Choose another folder or prefix for this lab, or open them with the key of the lab that made them.',
  );

const sealOf = (keys: RepositoryKeys, open: Omit<z.infer<typeof fields>, 'seal'>): Buffer =>
  createHmac('sha256', keys.config)
    .update(
      JSON.stringify([
        open.format,
        open.repository,
        open.keyId,
        open.chunks.minBytes,
        open.chunks.averageBytes,
        open.chunks.maxBytes,
      ]),
    )
    .digest();
