/** How a machine comes in: tokens, and the rules for those without one. */
import { labels, name } from '#events/values/name.ts';
import { nodeRole } from '#events/values/peer.ts';
import * as z from 'zod';
import { command, list, special, type Route } from './route.ts';

/** What the token says of the node that joins with it. */
export const joinTokenBody = z.strictObject({
  role: nodeRole.exactOptional(),
  labels: labels.exactOptional(),
  /** `3h`, `7d`; three hours when left out. */
  validFor: z.string().min(1).max(32).exactOptional(),
  /** The node whose successor it admits: one that lost its disk. */
  replaces: name.exactOptional(),
});
export type JoinTokenInput = z.infer<typeof joinTokenBody>;

export const admissionRoutes: readonly Route[] = [
  special(
    'make-join-token',
    'post',
    '/api/v1/cluster/join-token',
    'cluster',
    'Make a join token: one machine joins with it, once. The answer has its secret, which is shown nowhere else',
    { body: joinTokenBody },
  ),
  list('tokens', '/api/v1/tokens', 'nodes', 'List the join tokens', ['state']),
  command(
    'issue-token',
    'post',
    '/api/v1/tokens',
    'nodes',
    'Admit one machine: whoever shows the secret of this hash may join, once',
    false,
  ),
  command('revoke-token', 'delete', '/api/v1/tokens/{token}', 'nodes', 'Revoke a join token', false),
  command('change-bouncer', 'put', '/api/v1/bouncer', 'nodes', 'Change the rules for nodes without a token', false),
];

/** Answer of `make-join-token`: the only place where the secret ever is. */
export interface JoinTokenAnswer {
  readonly token: string;
  /** By which the lab lists and revokes it. */
  readonly id: string;
  readonly expiresAt: number;
  /** What to run on the new machine. */
  readonly command: string;
}
