import { tokenId } from '#events/cluster.ts';
import { nodeAddresses, nodeFacts, nodePort, poolLimits } from '#events/node.ts';
import { name } from '#events/values/name.ts';
import { incarnation, nodeRole, sha256, versionRange } from '#events/values/peer.ts';
import { fill, nodeRef, poolName } from '#events/volume.ts';
import * as z from 'zod';
import { labelChanges, labelsInput } from '../drafting.ts';

/** What a machine at the door shows: the hash of its token's secret proves that it has the secret. */
const shownToken = z.strictObject({ id: tokenId, hash: sha256 });

/** What every machine says at the door. */
const newcomer = {
  incarnation,
  name,
  addresses: nodeAddresses,
  port: nodePort,
  keySha256: sha256,
  facts: nodeFacts,
  /** Of the protocol between nodes. */
  protocol: versionRange,
  /** What its clock shows, in milliseconds since 1970. */
  clock: z.int().min(0),
};

export const nodeCommands = {
  /** The way in of a lab's first node, and what every start of a node says again. */
  'join-node': z.strictObject({
    node: nodeRef,
    name,
    addresses: nodeAddresses,
    facts: nodeFacts,
    labels: labelsInput,
    keySha256: sha256.exactOptional(),
    incarnation: incarnation.exactOptional(),
    port: nodePort.exactOptional(),
    role: nodeRole.exactOptional(),
  }),
  'admit-node': z.strictObject({
    node: nodeRef,
    ...newcomer,
    labels: labelsInput,
    token: shownToken.nullable(),
    role: nodeRole.default('any'),
    /** The address that its request came from; without it those count that it says it has. */
    from: z.string().min(1).max(64).exactOptional(),
    /** It asked before and comes back for the answer. */
    again: z.boolean().default(false),
  }),
  'approve-node': z.strictObject({ name }),
  'refuse-node': z.strictObject({ name, because: z.string().max(500).exactOptional() }),
  'replace-incarnation': z.strictObject({ ...newcomer, token: shownToken }),
  'report-node': z.strictObject({
    node: nodeRef,
    addresses: nodeAddresses,
    facts: nodeFacts,
    port: nodePort.exactOptional(),
  }),
  /** Of one that is away: it was heard, and its clock is why no link to it holds. */
  'report-node-clock': z.strictObject({ node: nodeRef, aheadMs: z.int() }),
  'report-node-down': z.strictObject({ node: nodeRef, lastSeenAt: z.int().min(0).nullable() }),
  'report-node-stopped': z.strictObject({ node: nodeRef }),
  'note-lasting-outage': z.strictObject({ node: nodeRef }),
  'note-pool-fill': z.strictObject({
    node: nodeRef,
    pool: z.string().min(1).max(255),
    isFull: z.boolean(),
    ...fill.shape,
  }),
  'cordon-node': z.strictObject({ name }),
  'uncordon-node': z.strictObject({ name }),
  /** How much of a pool volumes may be promised; what is left out stays. */
  'limit-pool': z.strictObject({
    name,
    pool: poolName,
    fillPercent: poolLimits.shape.fillPercent.exactOptional(),
    reserveBytes: poolLimits.shape.reserveBytes.exactOptional(),
  }),
  'label-node': z.strictObject({ name, labels: labelChanges }),
  'change-node-role': z.strictObject({ name, role: nodeRole }),
  'leave-node': z.strictObject({ name }),
  'remove-node': z.strictObject({
    name,
    /** Also when it holds volumes and instances: they are lost with it. */
    force: z.boolean().default(false),
  }),
  /** The consensus group is without it: what was asked of it is done. */
  'finish-departure': z.strictObject({ node: nodeRef }),
};
