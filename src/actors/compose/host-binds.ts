/**
 * Binds of absolute paths. What such a path means for where the app may run is `placement/host-paths.ts`; here its words
 * are read, and what would give one container the whole node, or FloatLab's own files, is refused.
 */
import { propagations, type AppSpec, type HostMount, type Propagation } from '#events/app.ts';
import { isWithin, normalHostPath } from '#events/values/path.ts';
import { hostPathKind, hostPathRefusal, holdsEngineSocket } from '../placement/host-paths.ts';
import { keysAt } from './keys.ts';
import type { Place, Reading } from './reading.ts';
import { booleanAt, optional, textAt, written } from './values.ts';

export type BindOptions = Pick<HostMount, 'propagation' | 'create'>;

export const bindKeys = {
  of: 'the bind of a mount',
  read: ['propagation', 'create_host_path', 'selinux'],
  unread: { recursive: '' },
  extensions: true,
} as const;

/** `bind` of the long form. @returns undefined after a report */
export function bindOptionsAt(reading: Reading, place: Place): BindOptions | undefined {
  const keys = keysAt(reading, place, bindKeys);
  if (!keys) return undefined;
  const selinux = keys.get('selinux');
  if (selinux) reading.note(selinux, '`selinux` changes nothing here: FloatLab labels nothing for SELinux.');
  const propagation = optional(keys.get('propagation'), (at) => propagationAt(reading, at));
  const create = optional(keys.get('create_host_path'), (at) => booleanAt(reading, at));
  return {
    ...(propagation === undefined ? {} : { propagation }),
    ...(create === undefined ? {} : { create }),
  };
}

function propagationAt(reading: Reading, place: Place): Propagation | undefined {
  const text = textAt(reading, place, 'a propagation');
  const found = propagations.find((one) => one === text);
  if (text === undefined || found) return found;
  return reading.report(place, `${written(place)} is not a propagation.`, `Write one of ${propagations.join(', ')}.`);
}

/** A path of the node, as it is mounted. @param source begins with `/` */
export function hostBind(
  reading: Reading,
  place: Place,
  source: string,
  { propagation, create = false }: BindOptions,
  readOnly: boolean,
): Pick<HostMount, 'host' | 'propagation' | 'create'> | undefined {
  const host = normalHostPath(source);
  if (host === undefined || host.length > 1024) {
    return reading.report(place, `${written(place)} is not a path of a node.`, 'Leave out "..", and name a folder.');
  }
  // The path may come from a variable: only what stands in the file is repeated.
  const isPlain = place.node.kind !== 'scalar' || !place.node.text.includes('$');
  const refused = hostPathRefusal(host, readOnly, isPlain ? host : 'This path');
  if (refused) return reading.report(place, refused.message, refused.hint);
  const kind = hostPathKind(host);
  if (holdsEngineSocket(host)) {
    reading.note(
      place,
      'Whoever has the socket of the engine has all rights on the node, read-only or not.',
      'Give it only to what you trust like yourself, or put a proxy for sockets between.',
    );
  }
  reading.hosts.push({ place, host, readOnly });
  return {
    host,
    ...(propagation === undefined ? {} : { propagation }),
    // A folder in the place of a file or socket of the system would only hide that it is missing.
    ...(create && kind === 'data' ? { create } : {}),
  };
}

/** Whoever mounts data of one machine hears what follows from it, unless the file says where that is. */
export function noteExternalData(reading: Reading, placement: AppSpec['placement']): void {
  if (placement?.node !== undefined) return;
  for (const { place, host, readOnly } of reading.hosts) {
    if (hostPathKind(host) === 'same') continue;
    const isShare = placement?.shares?.some((share) => isWithin(host, share)) === true;
    if (isShare && readOnly) continue;
    reading.note(
      place,
      isShare
        ? 'The app writes into this share, so it stays on the node on which it first starts.'
        : 'This is data of one machine: the app stays on the node on which it first starts.',
      isShare
        ? 'Mount it read-only (":ro") where it only reads, or name the node: x-floatlab: {placement: {node: NAME}}.'
        : 'Name the node (x-floatlab: {placement: {node: NAME}}), or keep the data in a volume, which moves with the app.',
    );
  }
}
