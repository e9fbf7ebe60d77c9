/**
 * The lab's keys (of its authority, of its data), sealed with the recovery key: a small file that may lie beside the
 * data and in every backup, and be opened offline.
 *
 * JSON: {format, salt, check, nonce, sealed}, bytes in base64. AES-256-GCM under a key that HKDF-SHA-256 derives from
 * the recovery key and the salt; the recovery key is 256 bits of chance, so nothing slower is needed. `check` is derived
 * beside it, so that a wrong key is told from a damaged file.
 */
import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { parseRecoveryKey, RecoveryError } from './recovery-key.ts';

/** By name; bytes as their owner writes them, for example PEM or base64. */
export type Secrets = Readonly<Record<string, string>>;

const format = 1;
const cipher = 'aes-256-gcm';
const tagBytes = 16;

const bytes = z.base64().transform((text) => Buffer.from(text, 'base64'));
const file = z.object({ format: z.literal(format), salt: bytes, check: bytes, nonce: bytes, sealed: bytes });
const anyFormat = z.object({ format: z.int() });
const secretsIn = z.record(z.string(), z.string());

/** @param recoveryKey as it was shown. @returns the content of the file */
export function wrapSecrets(recoveryKey: string, secrets: Secrets): Uint8Array {
  const [salt, nonce] = [randomBytes(32), randomBytes(12)];
  const { key, check } = derive(parseRecoveryKey(recoveryKey), salt);
  const sealing = createCipheriv(cipher, key, nonce);
  const text = Buffer.from(JSON.stringify(secrets));
  const sealed = Buffer.concat([sealing.update(text), sealing.final(), sealing.getAuthTag()]);
  const [saltText, checkText, nonceText, sealedText] = [salt, check, nonce, sealed].map((it) => it.toString('base64'));
  return Buffer.from(
    `${JSON.stringify({ format, salt: saltText, check: checkText, nonce: nonceText, sealed: sealedText }, null, 2)}\n`,
  );
}

/** @param typed as a person types it. @throws RecoveryError */
export function unwrapSecrets(typed: string, content: Uint8Array): Secrets {
  const { salt, check, nonce, sealed } = parseFile(content);
  const derived = derive(parseRecoveryKey(typed), salt);
  if (check.length !== derived.check.length || !timingSafeEqual(check, derived.check)) {
    throw new RecoveryError(
      'WRONG_KEY',
      'this recovery key is not the one that the secrets were sealed with',
      'Is it the key of another lab, or one that was replaced by a newer one?',
    );
  }
  try {
    const opening = createDecipheriv(cipher, derived.key, nonce, { authTagLength: tagBytes });
    opening.setAuthTag(sealed.subarray(-tagBytes));
    const text = Buffer.concat([opening.update(sealed.subarray(0, -tagBytes)), opening.final()]);
    return secretsIn.parse(JSON.parse(text.toString('utf8')));
  } catch (error) {
    throw damaged(error);
  }
}

/** Whether these bytes are such a file; what is in it, only the recovery key tells. */
export function isSealed(content: Uint8Array): boolean {
  try {
    return parseFile(content).sealed.length > 0;
  } catch (error) {
    if (error instanceof RecoveryError) return error.code === 'TOO_NEW';
    throw error;
  }
}

function parseFile(content: Uint8Array): z.infer<typeof file> {
  try {
    const read: unknown = JSON.parse(Buffer.from(content).toString('utf8'));
    const later = anyFormat.safeParse(read);
    if (later.success && later.data.format > format) {
      const explain = `the sealed secrets have format ${later.data.format}; this version knows up to ${format}`;
      throw new RecoveryError('TOO_NEW', explain, 'Use the version of FloatLab that has written them.');
    }
    return file.parse(read);
  } catch (error) {
    throw error instanceof RecoveryError ? error : damaged(error);
  }
}

const damaged = (cause: unknown): RecoveryError =>
  new RecoveryError(
    'DAMAGED',
    'the sealed secrets are damaged',
    'Take the same file from another node or from a backup.',
    cause,
  );

function derive(recoveryKey: Uint8Array, salt: Uint8Array): { readonly key: Buffer; readonly check: Buffer } {
  const all = Buffer.from(hkdfSync('sha256', recoveryKey, salt, 'floatlab sealed secrets', 48));
  return { key: all.subarray(0, 32), check: all.subarray(32) };
}
