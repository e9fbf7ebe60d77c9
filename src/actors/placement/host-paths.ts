/**
 * What a path of the node means. Some paths every Linux machine has, and they mean the same on each: its clock, its
 * devices, the socket of its engine. Everything else is data of one machine: an app that uses it is tied to the node on
 * which it lies (`external.ts`). And some paths would give one container the node or the lab: those are refused.
 *
 * Which folders are FloatLab's own on a node (its data folder can be elsewhere, and pools are anywhere) only the node
 * knows: it looks again before it mounts (`io/agent/containers/host-mounts.ts`).
 */
import { isWithin } from '#events/values/path.ts';

/** Where FloatLab keeps its state unless it is told otherwise. */
const dataFolder = '/var/lib/floatlab';
const runtimeFolder = /^\/(?:var\/)?run\/floatlab(?:[-/]|$)/;

/** With everything below them. */
const sameEverywhere: readonly string[] = [
  ...['/dev', '/proc', '/sys', '/run', '/var/run'],
  ...['/lib/modules', '/usr/lib/modules', '/lib/firmware', '/usr/src', '/boot'],
  ...['/etc/localtime', '/etc/timezone', '/usr/share/zoneinfo'],
  ...['/etc/hostname', '/etc/hosts', '/etc/resolv.conf', '/etc/machine-id', '/etc/os-release', '/usr/lib/os-release'],
  ...['/etc/passwd', '/etc/group', '/etc/nsswitch.conf'],
  ...[
    '/etc/ssl/certs',
    '/etc/pki',
    '/etc/ca-certificates',
    '/usr/share/ca-certificates',
    '/usr/local/share/ca-certificates',
  ],
  ...['/var/log', '/tmp/.X11-unix', '/var/lib/docker', '/var/lib/containerd', '/usr/bin/docker'],
];

/** The system itself: read, and never written. */
const writtenByNobody: readonly string[] = [
  ...['/bin', '/boot', '/etc', '/lib', '/lib64', '/proc', '/run', '/sbin', '/sys', '/usr'],
  ...['/usr/bin', '/usr/lib', '/usr/sbin', '/var/run', '/sys/fs', '/sys/fs/cgroup'],
];

/** With everything below them. */
const engineFolders = ['/var/lib/docker', '/var/lib/containerd'];

const sockets = ['docker.sock', 'podman/podman.sock', 'containerd/containerd.sock', 'crio/crio.sock'];

/** The socket of an engine or a folder that holds it: whoever may speak to it can do everything on the node. */
export const holdsEngineSocket = (path: string): boolean =>
  ['/run', '/var/run'].some((folder) => sockets.some((socket) => isWithin(`${folder}/${socket}`, path)));

/** `same`: on each machine the same thing; `data`: what lies on one machine. @param path normalized */
export const hostPathKind = (path: string): 'same' | 'data' =>
  sameEverywhere.some((folder) => isWithin(path, folder)) ? 'same' : 'data';

interface Refusal {
  readonly message: string;
  readonly hint: string;
}

/**
 * @param shown what the words call it
 * @returns why no container is given this path of a node, whichever it is
 */
export function hostPathRefusal(path: string, readOnly: boolean, shown = path): Refusal | undefined {
  if (path === '/') {
    return {
      message: 'The whole file system of a node is given to no container: the keys of the lab lie in it, too.',
      hint: 'Mount the folders that are needed, for example /proc:/host/proc:ro and /sys:/host/sys:ro.',
    };
  }
  if (isWithin(path, dataFolder) || isWithin(dataFolder, path)) return ownRefusal(path, dataFolder, shown);
  if (runtimeFolder.test(path)) return ownRefusal(path, path, shown);
  if (readOnly) return undefined;
  if (writtenByNobody.includes(path) || engineFolders.some((folder) => isWithin(path, folder))) {
    return {
      message: `${shown} belongs to the system of the node: a container that writes there can take the node down.`,
      hint: 'Mount it read-only (":ro"), or the one folder below it that the app writes.',
    };
  }
  return undefined;
}

/** @param own the folder of FloatLab that the path is, is in, or holds */
export const ownRefusal = (path: string, own: string, shown = path): Refusal => ({
  message:
    path === own || isWithin(path, own)
      ? `${shown} belongs to FloatLab itself: keys of the lab and volumes of other apps lie there.`
      : `${shown} holds ${own}, where the keys of the lab and volumes of other apps lie.`,
  hint: 'Choose a folder beside it. What another app keeps is shared as a volume.',
});
