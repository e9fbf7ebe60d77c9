import { nodeFacts } from '#events/node.ts';
import { name } from '#events/values/name.ts';
import { fill, nodeRef } from '#events/volume.ts';
import { z } from 'zod';
import { labelsInput } from '../drafting.ts';

const addresses = z.array(z.string().min(1).max(64)).max(64);

export const nodeCommands = {
  'join-node': z.strictObject({ node: nodeRef, name, addresses, facts: nodeFacts, labels: labelsInput }),
  'report-node': z.strictObject({ node: nodeRef, addresses, facts: nodeFacts }),
  'report-node-down': z.strictObject({ node: nodeRef, lastSeenAt: z.int().min(0) }),
  'note-pool-fill': z.strictObject({
    node: nodeRef,
    pool: z.string().min(1).max(255),
    isFull: z.boolean(),
    ...fill.shape,
  }),
  'cordon-node': z.strictObject({ name }),
  'uncordon-node': z.strictObject({ name }),
  'remove-node': z.strictObject({ name }),
};
