/**
 * Whose signature makes a session good. Each node signs for those who sign in there, with the key that it drew itself
 * and by which the lab knows it; the others take its word as long as it is one of theirs. No key is shared, so a node
 * that left or was removed takes none away: what it signs, or has signed, is good at no other node.
 */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import * as z from 'zod';
import { createNodeKey } from '../../pki/node-certificate.ts';

export interface Signer {
  /** Of this node; P-256, in PEM. */
  readonly privateKey: string;
  /** Whether another node of the lab has this key now. @param keySha256 of the public one (SPKI), hex */
  knows(keySha256: string): boolean;
}

/** With a new key that no other node knows: sessions end with the process. */
export const loneSigner = (): Signer => ({ privateKey: createNodeKey(), knows: () => false });

/** As nodes are known in the lab. */
export const keySha256Of = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');

const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const p256 = z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: coordinate, y: coordinate });

/** Its public key as a token carries it: whoever gets the token may not have met this node yet. */
export const jwkOf = (key: KeyObject): z.infer<typeof p256> =>
  p256.parse(createPublicKey(key).export({ format: 'jwk' }));

/** @throws for what is no such key */
export const keyOf = (jwk: unknown): KeyObject => createPublicKey({ key: p256.parse(jwk), format: 'jwk' });
