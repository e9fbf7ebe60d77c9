import { generation, losses, membersData, missingNode, timeZone, tokenId } from '#events/cluster.ts';
import { bouncerRules } from '#events/values/bouncer.ts';
import { name } from '#events/values/name.ts';
import { incarnation, nodeRole, sha256 } from '#events/values/peer.ts';
import { registryHost, registryUser } from '#events/values/registry-host.ts';
import { nodeRef } from '#events/volume.ts';
import * as z from 'zod';
import { labelsInput } from '../drafting.ts';

const hourMs = 3_600_000;

export const clusterCommands = {
  'create-lab': z.strictObject({ name, timeZone }),
  'change-settings': z.strictObject({ timeZone }),
  'issue-token': z.strictObject({
    tokenId,
    /** SHA-256 of the secret; the secret stays with whoever drew it. */
    hash: sha256,
    role: nodeRole.default('any'),
    labels: labelsInput,
    validMs: z
      .int()
      .min(60_000, 'a token is good for a minute at least')
      .max(7 * 24 * hourMs, 'a token is good for seven days at most')
      .default(3 * hourMs),
    /** For the successor of this node, whose disk is lost, and for nobody else. */
    replaces: name.exactOptional(),
  }),
  'revoke-token': z.strictObject({ token: tokenId }),
  'expire-tokens': z.strictObject({}),
  /** What is there for this registry is replaced. */
  'open-registry': z.strictObject({
    registry: registryHost,
    username: registryUser,
    /** Or a token that the registry gives out for that. Kept as a blob: neither the log nor a view shows it. */
    password: z.string().min(1).max(8192),
  }),
  'close-registry': z.strictObject({ registry: registryHost }),
  'change-bouncer': z.strictObject({ rules: bouncerRules }),
  'record-members': membersData,
  'switch-fold-version': z.strictObject({ version: z.int().min(1) }),
  'record-recovery': z.strictObject({
    generation,
    /** Who recovered it: a person's name. */
    by: z.string().min(1).max(255),
    lost: losses,
    missingNodes: z.array(missingNode).max(1000),
    /** The node that goes on: to the group it is another peer from here on, so that its old promises count no more. */
    survivor: z.strictObject({ node: nodeRef, incarnation }).exactOptional(),
  }),
};
