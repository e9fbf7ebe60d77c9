/**
 * Whole files of people (compose files, env files, bundles), which may hold passwords: encrypted, and addressed by
 * their content.
 *
 *   address  HMAC-SHA-256 of the plaintext. Not a plain hash: with that, whoever sees an address could try out what a
 *            short secret is. Equal content has equal addresses within a lab, and unlike ones in two labs.
 *   file     <dir>/ab/<address>: format u8 │ nonce 12 │ AES-256-GCM of the plaintext, bound to the address │ tag 16
 *
 * Both keys are derived from the data key of the lab. A blob is written beside, synced and renamed: it is there whole
 * or not at all. Reading verifies: what comes back is what was put at this address, or an error.
 */
import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { blobRef } from '#events/values/metadata.ts';
import { replaceFile, syncDir } from './files.ts';
import { StoreError } from './port.ts';

/** 64 characters of 0–9 and a–f. */
export type BlobRef = string;

export interface BlobStore {
  /** Where these bytes would be, whether or not they are there. */
  address(bytes: Uint8Array): BlobRef;
  /** Durable once resolved. Putting what is there already costs a read, and repairs it if it is damaged. */
  put(bytes: Uint8Array): Promise<BlobRef>;
  /** @throws StoreError MISSING, DAMAGED, FAILED */
  get(ref: BlobRef): Promise<Uint8Array>;
  /** Whether it is there; not whether it is whole. */
  has(ref: BlobRef): Promise<boolean>;
  /** Addresses of all that are there, in no order. */
  list(): Promise<readonly BlobRef[]>;
}

/** The blobs of this disk. */
export interface LocalBlobs extends BlobStore {
  /** As it lies on the disk: encrypted, and found right. @throws StoreError MISSING, DAMAGED, FAILED */
  sealed(ref: BlobRef): Promise<Uint8Array>;
}

/** Of one blob. */
export const maxBlobBytes = 64 * 1024 * 1024;

const format = 1;
const nonceBytes = 12;
const tagBytes = 16;

/** @param options.key the data key of the lab, 32 bytes */
export function openBlobs(options: { readonly dir: string; readonly key: Uint8Array }): LocalBlobs {
  const { dir, key } = options;
  const addressOf = addressing(key);
  const contentKey = derive(key, 'floatlab blob content');
  const incoming = join(dir, 'incoming');
  let prepared: Promise<void> | undefined;
  const pathOf = (ref: BlobRef): string => join(dir, ref.slice(0, 2), ref);

  /** Leftovers of a crash are removed before the first blob is written. */
  const prepare = async (): Promise<void> => {
    try {
      await rm(incoming, { recursive: true, force: true });
      await mkdir(incoming, { recursive: true, mode: 0o700 });
      await syncDir(dirname(dir));
    } catch (error) {
      prepared = undefined;
      throw error;
    }
  };

  const read = async (ref: BlobRef): Promise<{ readonly sealed: Uint8Array; readonly bytes: Uint8Array }> => {
    checkRef(ref);
    const sealed = await readFile(pathOf(ref)).catch((error: unknown) => {
      throw codeOf(error) === 'ENOENT' ? missing(ref) : failed(`read blob ${ref}`, error);
    });
    const bytes = open(sealed, contentKey, ref);
    if (bytes === undefined) {
      throw new StoreError(
        'DAMAGED',
        `blob ${ref} in ${dir} is damaged, or belongs to a lab with another key`,
        'Put the same content once more, or copy the file from another node or a backup.',
      );
    }
    return { sealed, bytes };
  };
  const get = async (ref: BlobRef): Promise<Uint8Array> => (await read(ref)).bytes;

  return {
    address: addressOf,
    get,
    sealed: async (ref) => (await read(ref)).sealed,
    put: async (bytes) => {
      checkSize(bytes);
      const ref = addressOf(bytes);
      if (await isWhole(get, ref)) return ref;
      const path = pathOf(ref);
      try {
        await (prepared ??= prepare());
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await replaceFile(path, seal(bytes, contentKey, ref), {
          mode: 0o600,
          temp: join(incoming, `${ref}-${randomBytes(6).toString('hex')}`),
        });
        await syncDir(dir);
      } catch (error) {
        throw failed(`write blob ${ref}`, error);
      }
      return ref;
    },
    list: async () => {
      const names = await readdir(dir, { recursive: true }).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return [];
        throw failed('list the blobs', error);
      });
      return names.map((name) => basename(name)).filter((name) => blobRef.safeParse(name).success);
    },
    has: async (ref) => {
      checkRef(ref);
      try {
        return (await stat(pathOf(ref))).isFile();
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return false;
        throw failed(`look for blob ${ref}`, error);
      }
    },
  };
}

/** The twin for the simulation: the same addresses, content in memory. */
export function memoryBlobs(key: Uint8Array = new Uint8Array(32)): BlobStore {
  const address = addressing(key);
  const blobs = new Map<BlobRef, Uint8Array>();
  return {
    address,
    put: async (bytes) => {
      checkSize(bytes);
      const ref = address(bytes);
      blobs.set(ref, new Uint8Array(bytes));
      return ref;
    },
    get: async (ref) => {
      checkRef(ref);
      const bytes = blobs.get(ref);
      if (!bytes) throw missing(ref);
      return bytes.slice();
    },
    list: async () => [...blobs.keys()],
    has: async (ref) => {
      checkRef(ref);
      return blobs.has(ref);
    },
  };
}

function addressing(key: Uint8Array): (bytes: Uint8Array) => BlobRef {
  if (key.length !== 32) throw new Error(`the data key has ${key.length} bytes, 32 are needed`);
  const addressKey = derive(key, 'floatlab blob address');
  return (bytes) => createHmac('sha256', addressKey).update(bytes).digest('hex');
}

const derive = (key: Uint8Array, use: string): Uint8Array => new Uint8Array(hkdfSync('sha256', key, '', use, 32));

function seal(bytes: Uint8Array, key: Uint8Array, ref: BlobRef): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(ref));
  return Buffer.concat([Uint8Array.of(format), nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** @returns undefined unless it is what `seal` made for this address */
function open(sealed: Uint8Array, key: Uint8Array, ref: BlobRef): Uint8Array | undefined {
  const tagAt = sealed.length - tagBytes;
  if (sealed[0] !== format || tagAt < 1 + nonceBytes) return undefined;
  const nonce = sealed.subarray(1, 1 + nonceBytes);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(ref));
  decipher.setAuthTag(sealed.subarray(tagAt));
  const bytes = decipher.update(sealed.subarray(1 + nonceBytes, tagAt));
  try {
    decipher.final();
    return bytes;
  } catch {
    return undefined;
  }
}

async function isWhole(get: BlobStore['get'], ref: BlobRef): Promise<boolean> {
  try {
    await get(ref);
    return true;
  } catch (error) {
    if (error instanceof StoreError && (error.code === 'MISSING' || error.code === 'DAMAGED')) return false;
    throw error;
  }
}

/** An address becomes a path: nothing else may. */
function checkRef(ref: BlobRef): void {
  if (blobRef.safeParse(ref).success) return;
  throw new StoreError('FAILED', 'this is no address of a blob', 'Addresses are 64 characters of 0–9 and a–f.');
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.length <= maxBlobBytes) return;
  throw new StoreError(
    'FAILED',
    `a blob of ${bytes.length} bytes is too large, the most is ${maxBlobBytes}`,
    'Put large data into a volume.',
  );
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code;

const missing = (ref: BlobRef): StoreError =>
  new StoreError('MISSING', `blob ${ref} is not here`, 'Fetch it from another node, or put its content once more.');

const failed = (doing: string, error: unknown): StoreError =>
  error instanceof StoreError
    ? error
    : new StoreError(
        'FAILED',
        `cannot ${doing}: ${error instanceof Error ? error.message : String(error)}`,
        'Look at the disk, its free space and the permissions of the directory.',
        error,
      );
