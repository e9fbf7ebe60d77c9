/** The consensus group: who leads, and the lab as one file. */
import { name } from '#events/values/name.ts';
import * as z from 'zod';
import { special, type Route } from './route.ts';

export const transferBody = z.strictObject({
  /** The name of the node that is to lead. */
  node: name,
});

export const clusterRoutes: readonly Route[] = [
  special(
    'cluster-status',
    'get',
    '/api/v1/cluster/status',
    'cluster',
    'Who leads, who votes, how far each node is, and what a lab of this size cannot promise',
  ),
  special(
    'transfer-leadership',
    'post',
    '/api/v1/cluster/transfer',
    'cluster',
    'Let another voter lead; answers once it does',
    { body: transferBody },
  ),
  special(
    'save-snapshot',
    'get',
    '/api/v1/cluster/snapshot',
    'cluster',
    'Save the whole lab as one file (docs/formats.md): its history, its files, and its sealed keys, as of now',
  ),
];

/** Answer of `transfer-leadership`. */
export interface TransferAnswer {
  /** Name of the node that leads. */
  readonly leader: string;
  /** It led already. */
  readonly unchanged: boolean;
}
