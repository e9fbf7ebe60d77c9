/** File systems of other machines that are mounted on this one. Pure. */
import { normalHostPath } from '#events/values/path.ts';
import { parseMountinfo } from '../volumes/mounts.ts';
import type { HostShare } from './port.ts';

/** What is read over a network, or given by the host of a virtual machine: the same for whoever mounts it. */
const network =
  /^(?:nfs4?|cifs|smb3|smbfs|ceph|glusterfs|lustre|beegfs|gpfs|ocfs2|gfs2|9p|virtiofs|afs|fuse\.(?:sshfs|glusterfs|ceph(?:-fuse)?|rclone|s3fs|juicefs|mfs|davfs2?))$/;

/** @param text of `/proc/self/mountinfo` @returns of several at one place the one on top, sorted by mount point */
export function sharesIn(text: string): readonly HostShare[] {
  const found = new Map<string, HostShare>();
  for (const { point, source, type } of parseMountinfo(text)) {
    found.delete(point);
    if (network.test(type) && normalHostPath(point) === point) found.set(point, { path: point, source, type });
  }
  return [...found.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
