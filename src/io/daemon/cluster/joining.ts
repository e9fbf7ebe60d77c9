/**
 * What a machine and a lab say to one another when the machine joins: over TLS, before it has a certificate.
 *
 *   machine ─ who I am, my key's request, the token ─▶ any node ─▶ leader: admit-node
 *   machine ◀─ certificate, the lab's keys, who else is there ─────────┘
 */
import * as z from 'zod';
import { tokenId } from '#events/cluster.ts';
import { nodeAddresses, nodeFacts, nodePort } from '#events/node.ts';
import { name } from '#events/values/name.ts';
import { incarnation, nodeRole, versionRange } from '#events/values/peer.ts';
import { knownNode } from './roster.ts';

export const joinBody = z.object({
  node: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  incarnation,
  name,
  addresses: nodeAddresses,
  port: nodePort,
  facts: nodeFacts,
  labels: z.record(z.string(), z.string()).default({}),
  role: nodeRole.default('any'),
  protocol: versionRange,
  clock: z.int().min(0),
  csr: z.string().max(16_384),
  /** Null: an administrator has to say yes, or a rule of the bouncer. */
  token: z.object({ id: tokenId, secret: z.string().max(128) }).nullable(),
  /** It asked before, and comes back for the answer. */
  again: z.boolean().default(false),
});
export type JoinBody = z.infer<typeof joinBody>;

export const welcome = z.object({
  /** Of the node: its own, or that of the one whose place it takes. */
  node: z.string().min(1).max(64),
  certificate: z.string(),
  caCert: z.string(),
  lab: z.object({
    id: z.string(),
    name: z.string(),
    generation: z.int().min(1),
    dataKey: z.base64url(),
  }),
  admin: z.object({
    name: z.string(),
    passwordHash: z.string(),
    passwordIsInitial: z.boolean(),
    passwordChangedAt: z.int().min(0),
  }),
  /** The lab's keys, sealed with its recovery key. */
  recovery: z.base64().exactOptional(),
  peers: z.array(knownNode),
});
export type Welcome = z.infer<typeof welcome>;

/** An administrator has to say yes first: ask again. */
export const waiting = z.object({ waiting: z.literal(true) });
