/**
 * Streams of btrfs, out and in. A stream is received into the folder of the snapshots, by a process that sees nothing
 * else, under a private name that is written into its head: what the sender called it does not matter, and what came
 * only in part has no name of a snapshot.
 *
 *     arrived     snapshots/.incoming is read-only, and carries the guid of the original
 *     accepted    … renamed to its name         ◀ the commit point
 *     synced      … which is on disk
 */
import { mkdir, rename } from 'node:fs/promises';
import { IoError } from '../../error.ts';
import { syncDir } from '../../../stores/files.ts';
import { hasSubvolume } from '../../volumes/btrfs/layout.ts';
import { snapInfo } from '../../volumes/btrfs/snapshots.ts';
import type { SnapInfo } from '../../volumes/port.ts';
import type { Arriving, Hands, Source } from '../backend.ts';
import { feed } from '../feed.ts';
import { beginStream, checkAnnounced } from '../head.ts';
import { patience } from '../patience.ts';
import { streamOf, type Pipes } from '../pipe.ts';
import type { SendOptions, Wanted } from '../port.ts';
import { refusal } from '../refusals.ts';
import { streamError } from './errors.ts';
import { incomingName } from './layout.ts';
import { ensureFolders, type ReplicaSite } from './site.ts';
import { commandWalk, readHead, renamedHead } from './stream.ts';

/** @param path of the snapshot @throws IoError UNSUPPORTED */
export function source(
  pipes: Pipes,
  hands: Hands,
  path: string,
  from: string | undefined,
  { compressed, raw }: SendOptions,
): Source {
  if (raw) throw refusal(hands, 'UNSUPPORTED', 'btrfs encrypts nothing', 'Send without `raw`.');
  const { target } = hands;
  const args = [
    ...['send', '-q'],
    ...(compressed ? ['--proto', '2', '--compressed-data'] : []),
    ...(from === undefined ? [] : ['-p', from]),
    path,
  ];
  return {
    read: (signal, silenceMs) =>
      streamOf(pipes.read('btrfs', args, { target, signal, silenceMs }), (ran) =>
        streamError('btrfs send', target, ran),
      ),
  };
}

export async function arrive(
  site: ReplicaSite,
  pipes: Pipes,
  what: Wanted,
  bytes: AsyncIterable<Uint8Array>,
  { signal, silenceMs, came }: Arriving,
  hands: Hands,
): Promise<void> {
  const { paths, pool, target } = site;
  await ensureFolders(pool);
  // As of a volume: it is going to be one's home.
  await mkdir(paths.home, { mode: 0o711 }).catch(unlessThere);
  await mkdir(paths.snapshots, { mode: 0o700 }).catch(unlessThere);
  await dropIncoming(site);
  const waiting = patience({ op: 'receive', target, signal, silenceMs });
  // It starts while the sender does, and is given nothing before the head has been read.
  const child = pipes.write('btrfs', ['receive', '-q', '-C', paths.snapshots], { target, signal, silenceMs });
  try {
    const { head, start, rest } = await beginStream(bytes, readHead, waiting.wait, hands);
    checkAnnounced(head, what, hands);
    const commands = commandWalk();
    await feed(child, {
      first: [renamedHead(start.subarray(0, head.bytes), incomingName), start.subarray(head.bytes)],
      rest,
      wait: waiting.wait,
      came,
      // Neither what comes behind the end nor the lack of an end is noticed by the tool.
      check: (piece, n) => n === 0 || commands.walk(piece),
      isWhole: () => commands.isWhole,
      failed: (ran) => streamError('btrfs receive', target, ran),
      target,
    });
  } finally {
    waiting.end();
    await child.kill();
  }
}

export async function accept(site: ReplicaSite, { to }: Wanted): Promise<SnapInfo> {
  const { paths, btrfs, step, target } = site;
  const details = (await hasSubvolume(paths.incoming)) ? await btrfs.show(paths.incoming) : undefined;
  if (!details?.readOnly || details.receivedUuid !== to.guid) {
    await dropIncoming(site);
    const message = `what came for ${target} is not the whole of ${to.name}`;
    throw new IoError('TRUNCATED', { op: 'receive', target, message, hint: 'Send it again.' });
  }
  await rename(paths.incoming, paths.snapshot(to.name));
  await step('accepted');
  // Where a subvolume was renamed, this commits the transaction, as a process for `btrfs filesystem sync` would.
  await syncDir(paths.snapshots);
  await step('synced');
  return snapInfo(to.name, details, 'receive');
}

/** What is being received: whole and never accepted, or half. Nobody else uses its name. */
export async function dropIncoming({ paths, btrfs }: ReplicaSite): Promise<void> {
  if (await hasSubvolume(paths.incoming)) await btrfs.deleteSubvolumes([paths.incoming]);
}

function unlessThere(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}
