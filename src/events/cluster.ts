/** The lab itself: its settings, who may join it, which nodes decide, and what became of it in a recovery. */
import * as z from 'zod';
import { event } from './define.ts';
import { bouncerRules } from './values/bouncer.ts';
import { blobRef, metadata } from './values/metadata.ts';
import { labels, name } from './values/name.ts';
import { nodeRole, peer, sha256 } from './values/peer.ts';
import { registryHost, registryUser } from './values/registry-host.ts';
import { nodeRef } from './volume.ts';

/** An IANA name such as `Europe/Berlin`; whether it exists is checked before anything is appended. */
export const timeZone = z.string().min(1).max(64);

export const tokenId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'not the id of a token');

/** Raised by every recovery and restore: an epoch is (generation, index), and grows across them. */
export const generation = z.int().min(1);

const members = {
  /** Of the consensus group; sorted. */
  voters: z.array(peer).min(1).max(16),
  learners: z.array(peer).max(64),
  generation,
  /** The term in which the group was seen so. */
  term: z.int().min(0).exactOptional(),
};
export const membersData = z.strictObject(members);

/** What a recovery gave up. */
export const losses = z.strictObject({
  /** Events up to this one were kept. */
  keptIndex: z.int().min(0),
  /** The highest event that anybody is known to have had; absent when nobody knows. */
  knownIndex: z.int().min(0).exactOptional(),
  /** As a sentence. */
  explain: z.string().min(1).max(1000),
});

/** A node that a recovery went on without, and the person whose word it is that its machine is off. */
export const missingNode = z.strictObject({ name, saidOffBy: z.string().min(1).max(255) });

const token = { token: tokenId };

export const clusterEvents = {
  'cluster.created': event(1, z.strictObject({ metadata, timeZone })),
  'cluster.settings-changed': event(1, z.strictObject({ timeZone })),
  /** A machine that shows the secret may join, once. The lab knows only the secret's hash. */
  'cluster.token-issued': event(
    1,
    z.strictObject({
      ...token,
      hash: sha256,
      role: nodeRole,
      labels,
      expiresAt: z.int().min(0),
      /** It admits no new node, but the successor of this one, whose disk is lost. */
      replaces: name.exactOptional(),
    }),
  ),
  'cluster.token-used': event(1, z.strictObject({ ...token, node: nodeRef })),
  'cluster.token-revoked': event(1, z.strictObject(token)),
  'cluster.token-expired': event(1, z.strictObject(token)),
  /** Whoever pulls from this registry does it as this user. The password is a blob, and nowhere else. */
  'cluster.registry-opened': event(
    1,
    z.strictObject({ registry: registryHost, username: registryUser, secret: blobRef }),
  ),
  'cluster.registry-closed': event(1, z.strictObject({ registry: registryHost })),
  'cluster.bouncer-changed': event(1, z.strictObject({ rules: bouncerRules })),
  /** The consensus group is another one; it has changed already, this is its history. */
  'cluster.members-changed': event(1, membersData),
  /** From here on events are folded by another version of the machines. */
  'cluster.fold-switched': event(1, z.strictObject({ version: z.int().min(1) })),
  'cluster.recovered': event(
    1,
    z.strictObject({
      generation,
      by: z.string().min(1).max(255),
      lost: losses,
      missingNodes: z.array(missingNode).max(1000),
    }),
  ),
};
