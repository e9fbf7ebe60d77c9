/**
 * The keys of one repository, all derived (HKDF-SHA-256, RFC 5869) from the backup key of the lab with the id of the
 * repository as salt: what lies in one repository says nothing about another one.
 */
import { createHmac, hkdfSync } from 'node:crypto';
import { gearBytes, gearTable, type GearTable } from './chunker.ts';

export const keyBytes = 32;
export const repositoryIdBytes = 16;
export const keyIdBytes = 8;
export const chunkIdBytes = 32;

export interface RepositoryKeys {
  readonly repository: Uint8Array;
  /** Names the key and says nothing of it. */
  readonly keyId: Uint8Array;
  /** Of AES-256-GCM. */
  readonly content: Uint8Array;
  /** Of the seal of the repository's own file, which is not encrypted. */
  readonly config: Uint8Array;
  readonly gear: GearTable;
  /** HMAC-SHA-256 of the content: whoever lacks the key can try out no content. */
  chunkId(plain: Uint8Array): Buffer;
}

/** The backup key of a lab, out of its data key (which the sealed copy for recovery holds). */
export const backupKeyOf = (dataKey: Uint8Array): Uint8Array =>
  derive(dataKey, new Uint8Array(), 'floatlab backup', 32);

/** @param key the backup key, 32 bytes. @param repository its id, 16 bytes */
export function repositoryKeys(key: Uint8Array, repository: Uint8Array): RepositoryKeys {
  if (key.length !== keyBytes) throw new Error(`a backup key has ${keyBytes} bytes, not ${key.length}`);
  if (repository.length !== repositoryIdBytes)
    throw new Error(`the id of a repository has ${repositoryIdBytes} bytes, not ${repository.length}`);
  const of = (use: string, length: number) => derive(key, repository, `floatlab backup ${use}`, length);
  const ids = of('chunk ids', 32);
  return {
    repository,
    keyId: of('key id', keyIdBytes),
    content: of('content', 32),
    config: of('config', 32),
    gear: gearTable(of('chunk cuts', gearBytes)),
    chunkId: (plain) => createHmac('sha256', ids).update(plain).digest(),
  };
}

const derive = (key: Uint8Array, salt: Uint8Array, use: string, length: number): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key, salt, use, length));
