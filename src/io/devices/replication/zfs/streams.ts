/**
 * Streams of zfs, out and in. A stream is received under a private name, `@.incoming`, never forced, never mounted, and
 * with the settings of a replica whatever it carries; one of everything into a private dataset.
 *
 *     arrived    @.incoming has the guid of the original
 *     marked     … is known as ours
 *     accepted   … renamed to its name
 *     placed     :replicas/_db → :replicas/db, of a stream of everything
 */
import { IoError } from '../../error.ts';
import type { SnapInfo } from '../../volumes/port.ts';
import { property } from '../../volumes/zfs/layout.ts';
import { renameParent, whenNotBusy } from '../../volumes/zfs/mounting.ts';
import type { Snap } from '../../volumes/zfs/state.ts';
import type { Arriving, Hands, Source } from '../backend.ts';
import { feed } from '../feed.ts';
import { beginStream, checkAnnounced } from '../head.ts';
import { patience } from '../patience.ts';
import { streamOf, type Pipes } from '../pipe.ts';
import type { SendOptions, Wanted } from '../port.ts';
import { refusal } from '../refusals.ts';
import { streamError } from './errors.ts';
import { incomingName } from './layout.ts';
import { readParts, type Part, type ReplicaSite } from './site.ts';
import { readZfsHead } from './stream.ts';

/** @param from a snapshot or a bookmark of the same dataset, in full @throws IoError UNSUPPORTED */
export async function source(
  site: ReplicaSite,
  pipes: Pipes,
  full: string,
  from: string | undefined,
  { compressed, raw }: SendOptions,
): Promise<Source> {
  const tools = await site.streams.tools();
  if ((raw && !tools.raw) || (compressed && !tools.compressed))
    throw refusal(site, 'UNSUPPORTED', `this zfs cannot send what is ${raw ? 'encrypted' : 'compressed'} as it is`);
  const flags = raw ? ['-w'] : compressed ? ['-L', '-e', '-c'] : [];
  const args = [...flags, ...(from === undefined ? [] : ['-i', from]), full];
  const estimatedBytes = tools.estimates ? await site.streams.estimate(args) : undefined;
  return { ...(estimatedBytes === undefined ? {} : { estimatedBytes }), read: reading(site, pipes, ['send', ...args]) };
}

/** @throws IoError TOKEN_DEAD */
export async function resumedSource(
  site: ReplicaSite,
  pipes: Pipes,
  token: string,
  isOurs: (guid: string) => boolean,
): Promise<Source> {
  const tools = await site.streams.tools();
  const guid = tools.resume ? await site.streams.tokenOf(token) : undefined;
  if (guid === undefined || !isOurs(guid))
    throw refusal(site, 'TOKEN_DEAD', 'what the token stands for is not here', 'Give it up, and begin anew.');
  const estimatedBytes = await site.streams.estimate(['-t', token]);
  return {
    ...(estimatedBytes === undefined ? {} : { estimatedBytes }),
    read: reading(site, pipes, ['send', '-t', token]),
  };
}

const reading =
  ({ target }: ReplicaSite, pipes: Pipes, args: readonly string[]): Source['read'] =>
  (signal, silenceMs) =>
    streamOf(pipes.read('zfs', args, { target, signal, silenceMs }), (ran) => streamError('zfs send', target, ran));

export async function arrive(
  site: ReplicaSite,
  pipes: Pipes,
  what: Wanted,
  bytes: AsyncIterable<Uint8Array>,
  { signal, silenceMs, came }: Arriving,
  hands: Hands,
): Promise<void> {
  const { at, target, streams } = site;
  const tools = await streams.tools();
  const waiting = patience({ op: 'receive', target, signal, silenceMs });
  try {
    // The sender needs a while for its first word, and nobody else changes anything meanwhile.
    const look = readParts(site, [at.fresh, at.replica]);
    look.catch(() => undefined);
    const { head, start, rest } = await beginStream(bytes, readZfsHead, waiting.wait, hands);
    checkAnnounced(head, what, hands);
    const place = what.from === undefined ? at.fresh : at.replica;
    const before = await look;
    if (head.isResumed && before.get(place)?.token === undefined)
      throw refusal(hands, 'TRUNCATED', 'the stream goes on with something that is not here', 'Send all of it.');
    if (!head.isResumed) await drop(site, before);
    const settings = ['-o', 'readonly=on', ...inherited.flatMap((name) => ['-x', name])];
    const args = ['receive', ...(tools.resume ? ['-s'] : []), '-u', ...(tools.receivesSettings ? settings : [])];
    const child = pipes.write('zfs', [...args, `${place}@${incomingName}`], { target, signal, silenceMs });
    const failed = (ran: Parameters<typeof streamError>[2]) => streamError('zfs receive', target, ran);
    try {
      await feed(child, { first: [start], rest, wait: waiting.wait, came, failed, target });
    } catch (error) {
      // It may say that it could not mount what it has received, and have received it.
      const after = (await readParts(site, [place])).get(place);
      if (!after?.snaps.some(({ name, guid }) => name === incomingName && guid === what.to.guid)) throw error;
    }
  } finally {
    waiting.end();
  }
}

/** What a replica must not get from a stream. */
const inherited = ['mountpoint', 'quota', 'refquota', 'reservation', 'refreservation'];

/** @throws IoError TRUNCATED when it is not there whole */
export async function accept(site: ReplicaSite, { to }: Wanted): Promise<SnapInfo> {
  const { at, zfs, step, target } = site;
  const found = arrived(await readParts(site, [at.fresh, at.replica]), to.guid);
  if (!found) {
    await drop(site);
    const message = `what came for ${target} is not the whole of ${to.name}`;
    throw new IoError('TRUNCATED', { op: 'receive', target, message, hint: 'Send it again.' });
  }
  const { part, snap } = found;
  await zfs.set(`${snap.dataset}@${snap.name}`, { [property.volume]: site.name });
  await step('marked');
  if (snap.name !== to.name) await zfs.rename(`${snap.dataset}@${snap.name}`, `${snap.dataset}@${to.name}`);
  await step('accepted');
  if (part.dataset === at.fresh) {
    await zfs.set(at.fresh, { canmount: 'off' });
    await renameParent(site, at.fresh, at.replica);
    await step('placed');
  }
  return { name: to.name, guid: snap.guid, createdAt: snap.createdAt };
}

export function arrived(
  parts: ReadonlyMap<string, Part>,
  guid: string,
): { readonly part: Part; readonly snap: Snap } | undefined {
  for (const part of parts.values()) {
    const snap = part.snaps.find((one) => one.guid === guid);
    if (snap) return { part, snap };
  }
  return undefined;
}

/** What came and was not accepted, whole or in part. @param seen what is there, when somebody has just looked */
export async function drop(site: ReplicaSite, seen?: ReadonlyMap<string, Part>): Promise<void> {
  const { at, zfs, streams, within } = site;
  for (const part of (seen ?? (await readParts(site, [at.fresh, at.replica]))).values()) {
    if (part.token !== undefined) await streams.abort(part.dataset);
    if (part.dataset === at.fresh) {
      // What was received in part is gone with it.
      const left = (await readParts(site, [at.fresh])).get(at.fresh);
      if (!left) continue;
      if (left.snaps.length > 0)
        await zfs.destroySnapshots(
          at.fresh,
          left.snaps.map(({ name }) => name),
        );
      await whenNotBusy(within, () => zfs.destroyDataset(at.fresh));
      continue;
    }
    if (!part.snaps.some(({ name }) => name === incomingName)) continue;
    await zfs.destroySnapshots(part.dataset, [incomingName]);
    // Its content stays when a snapshot goes: the replica is what its newest one holds.
    const newest = part.snaps.findLast(({ name }) => name !== incomingName);
    if (newest) await streams.rollback(`${part.dataset}@${newest.name}`);
  }
}
