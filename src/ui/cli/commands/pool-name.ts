/** How people name a pool: its node and its own name. */
import type { PoolRow } from '#projections/views/pools.ts';
import { usageError, type CliError } from '../errors.ts';

/** `atlas/main` */
export const titleOf = ({ node, name }: Pick<PoolRow, 'node' | 'name'>): string => `${node.name}/${name}`;

/** @throws CliError when it is not node/pool */
export function poolIn(text: string): { readonly node: string; readonly name: string } {
  const [node, name, ...more] = text.split('/');
  if (node && name && more.length === 0) return { node, name };
  throw wrongPool(text);
}

const wrongPool = (text: string): CliError =>
  usageError(`${text} is not a pool.`, 'Write node/pool, for example atlas/main. floatlab pool ls shows them.');
