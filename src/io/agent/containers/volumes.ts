/**
 * What a service finds in its volumes and of the node itself, looked after before each of its containers is made or
 * started.
 *
 * The app writes into its volumes, so what was a folder an hour ago may be a link to a file of the host by now, and an
 * engine follows links: the way to everything that is mounted is gone anew each time, and no link is taken. Between
 * this look and the engine's own there is a moment that only another container of the same app could use.
 */
import { hostPathKind } from '#actors/placement/host-paths.ts';
import type { Ports, Run } from '../worker.ts';
import type { InstanceOrder } from './labels.ts';
import { hostMountsOf, placesOf } from './plan.ts';

/** An image may bring a great deal. */
const fillTimeoutMs = 900_000;

/** @throws IoError INVALID when a link is in the way, MISSING when there is nothing to mount */
export async function checkMounts(order: InstanceOrder, service: string, { files }: Ports, run: Run): Promise<void> {
  for (const { root, subpath } of placesOf(order, service)) await files.check(root, subpath, run);
  for (const { host, create = false } of hostMountsOf(order, service)) {
    if (create) run.fence();
    await files.checkHost({ path: host, create, mayBeLink: hostPathKind(host) === 'same' }, run);
  }
}

/** Volumes that are empty begin with what the image has in their place, as an engine does it for volumes of its own. */
export async function fillVolumes(
  order: InstanceOrder,
  service: string,
  image: string,
  { docker, files }: Ports,
  run: Run,
): Promise<void> {
  const call = { ...run, timeoutMs: fillTimeoutMs };
  for (const { root, target, beginsWithImage } of placesOf(order, service)) {
    if (!beginsWithImage) continue;
    run.fence();
    const content = async (): Promise<AsyncIterable<Uint8Array> | undefined> => {
      run.progress({ text: `copying what ${image} has in ${target}` });
      return docker.imageFolder(image, target, call);
    };
    await files.fill(root, content, call);
  }
}
