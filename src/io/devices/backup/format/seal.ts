/**
 * Encryption of everything but the repository's own file: AES-256-GCM (NIST SP 800-38D), a nonce of chance for each box.
 *
 *   box      nonce 12 │ ciphertext │ tag 16       bound to what it is for by its associated data
 *   object   head 33 │ box                        for objects that are one box: index, manifest, lock, mark
 *   head     magic, 8 letters │ format u8 │ repository 16 │ key id 8
 *
 * A box is good for 2^32 others under one key by the same standard: some petabytes of chunks.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { IoError } from '../../error.ts';
import { storeError } from '../store/port.ts';
import { keyIdBytes, repositoryIdBytes, type RepositoryKeys } from './keys.ts';

export const format = 1;
const nonceBytes = 12;
const tagBytes = 16;
export const boxOverhead = nonceBytes + tagBytes;
export const headBytes = 8 + 1 + repositoryIdBytes + keyIdBytes;

export type Magic = 'FLABPACK' | 'FLABINDX' | 'FLABMFST' | 'FLABLOCK' | 'FLABMARK';

export function sealBox(keys: RepositoryKeys, about: Uint8Array, parts: readonly Uint8Array[]): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', keys.content, nonce, { authTagLength: tagBytes });
  cipher.setAAD(about);
  return Buffer.concat([nonce, ...parts.map((part) => cipher.update(part)), cipher.final(), cipher.getAuthTag()]);
}

/** @returns undefined unless it is what `sealBox` made with this key, for this */
export function openBox(keys: RepositoryKeys, about: Uint8Array, box: Uint8Array): Buffer | undefined {
  if (box.length < boxOverhead) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', keys.content, box.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(about);
  decipher.setAuthTag(box.subarray(-tagBytes));
  const plain = decipher.update(box.subarray(nonceBytes, -tagBytes));
  try {
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}

export const headOf = (keys: RepositoryKeys, magic: Magic): Buffer =>
  Buffer.concat([Buffer.from(magic, 'latin1'), Uint8Array.of(format), keys.repository, keys.keyId]);

export function sealObject(keys: RepositoryKeys, magic: Magic, plain: Uint8Array): Buffer {
  const head = headOf(keys, magic);
  return Buffer.concat([head, sealBox(keys, head, [plain])]);
}

/** @param key for messages. @throws IoError DAMAGED, UNSUPPORTED for a later format */
export function openObject(keys: RepositoryKeys, magic: Magic, key: string, object: Uint8Array): Buffer {
  checkHead(keys, magic, key, object);
  const plain = openBox(keys, object.subarray(0, headBytes), object.subarray(headBytes));
  if (plain === undefined) throw damagedObject(key, 'it was changed, or is not whole');
  return plain;
}

/** @throws IoError DAMAGED, UNSUPPORTED */
export function checkHead(keys: RepositoryKeys, magic: Magic, key: string, object: Uint8Array): void {
  const head = headOf(keys, magic);
  if (object.length < headBytes || !head.subarray(0, 8).equals(object.subarray(0, 8)))
    throw damagedObject(key, `it does not begin with ${magic}`);
  const found = object[8] ?? 0;
  if (found > format) throw tooNew(key, found);
  if (!head.equals(object.subarray(0, headBytes))) throw damagedObject(key, 'it belongs to another repository or key');
}

export const damagedObject = (key: string, why: string): IoError => {
  const hint = 'Check the repository: it says which backups need this, and the next backup writes anew what it can.';
  return storeError('DAMAGED', 'read', key, `the object ${key} of the backups is damaged: ${why}`, hint);
};

export const tooNew = (key: string, found: number): IoError =>
  storeError(
    'UNSUPPORTED',
    'read',
    key,
    `${key} has format ${found}, this version of FloatLab reads up to ${format}`,
    'Take a newer version of FloatLab.',
  );
