/**
 * Who a node is beside its name. Its *key* proves it: links pin the SHA-256 of its public key. Its *incarnation* is that
 * of its disk: a node that lost what it had promised comes back as another peer of the consensus group, so that nobody
 * counts on promises that it forgot. The group knows it as `<node id>.<incarnation>`.
 */
import type { StreamId } from '../envelope.ts';
import * as z from 'zod';

/** Of a key or of a secret, in hexadecimal digits. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'not a SHA-256: write 64 hexadecimal digits');

export const incarnation = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'not a valid incarnation');

export const peer = z.string().regex(/^[^\s.][^\s]{0,126}\.[A-Za-z0-9_-]{1,64}$/, 'write <node id>.<incarnation>');
export type Peer = string;

/** @param node with or without its `node:` */
export const peerOf = (node: string, of: string): Peer => `${node.replace(/^node:/, '')}.${of}`;

export const nodeOfPeer = (of: Peer): StreamId<'node'> => `node:${of.slice(0, of.lastIndexOf('.'))}`;

export const incarnationOfPeer = (of: Peer): string => of.slice(of.lastIndexOf('.') + 1);

/**
 * What a node is to the group. `any` runs apps and may be made a voter; a `witness` votes and runs no apps; a `learner`
 * runs apps and never votes.
 */
export const nodeRole = z.enum(['any', 'witness', 'learner']);
export type NodeRole = z.infer<typeof nodeRole>;

/** Versions of something that a program can do, both ends included. */
export const versionRange = z
  .strictObject({ min: z.int().min(1), max: z.int().min(1) })
  .refine(({ min, max }) => min <= max, 'the lowest is above the highest');
export type VersionRange = z.infer<typeof versionRange>;
