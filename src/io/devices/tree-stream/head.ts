/** What a stream of a tree is of, before any of it is applied. */
import { LogError } from '../../log/port.ts';
import { readHead } from '../../log/raft/snapshots/frame.ts';
import { IoError } from '../error.ts';
import { treeKind, unpackIds } from './records.ts';

/** @returns `more` when it does not say so yet, `none` when it is no such stream @throws IoError UNSUPPORTED */
export function readTreeHead(
  start: Buffer,
): { readonly guid: string; readonly base: string | undefined } | 'more' | 'none' {
  let head: ReturnType<typeof readHead>;
  try {
    head = readHead(treeKind, start);
  } catch (error) {
    throw laterVersion(error, 'the replica');
  }
  if (typeof head === 'number') return 'more';
  const ids = head && unpackIds(head.body);
  return ids ? { guid: ids.target, base: ids.base } : 'none';
}

/** @returns what to throw in place of what a reader of frames has thrown */
export function laterVersion(error: unknown, target: string): unknown {
  if (!(error instanceof LogError) || error.code !== 'TOO_NEW') return error;
  return new IoError('UNSUPPORTED', {
    op: 'receive tree',
    target,
    message: `the stream for ${target} was written by a later version`,
    hint: 'Upgrade FloatLab on this node.',
    cause: error,
  });
}
