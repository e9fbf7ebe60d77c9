/** The disks of a simulated machine. */
import type { Candidate } from '../candidates.ts';
import type { DeviceInspector } from '../devices.ts';
import { checkPath, invalid } from '../names.ts';
import type { Pool } from './pool.ts';

export interface SimDisk {
  readonly path: string;
  sizeBytes: number;
  /** What stands on it that is not ours: `ext4 "backup"`. */
  holds?: string;
  /** Who uses it: `mounted at /`. */
  usedBy?: string;
}

/** Its disks, as the tools of a machine would tell of them. @param ownerOf the pool that a disk is part of */
export const simInspector = (
  disks: ReadonlyMap<string, SimDisk>,
  gone: ReadonlySet<string>,
  ownerOf: (path: string) => Pool | undefined,
): DeviceInspector => ({
  names: async (path) => [path],
  async inspect(op, path) {
    checkPath(op, path);
    const disk = disks.get(path);
    if (!disk || gone.has(path))
      throw invalid(op, path, 'is not a disk or a partition', 'Look at the list of disks of this node.');
    return { path, sizeBytes: disk.sizeBytes, uses: usesOf(disk, ownerOf(path)), holds: holdsOf(disk) };
  },
  async candidates() {
    const list: Candidate[] = [];
    for (const disk of disks.values()) {
      if (gone.has(disk.path)) continue;
      const uses = usesOf(disk, ownerOf(disk.path));
      const holds = holdsOf(disk);
      const state = uses.length > 0 ? 'in-use' : holds.length > 0 ? 'holds-data' : 'free';
      const unknown = { model: undefined, serial: undefined, rotational: false, removable: false };
      list.push({
        path: disk.path,
        kind: 'disk',
        sizeBytes: disk.sizeBytes,
        ...unknown,
        state,
        why: [...uses, ...holds],
      });
    }
    return list;
  },
});

const usesOf = (disk: SimDisk, owner: Pool | undefined): readonly string[] => {
  if (owner) return [`part of the pool ${owner.managed.name}`];
  return disk.usedBy === undefined ? [] : [disk.usedBy];
};

const holdsOf = ({ holds }: SimDisk): readonly string[] => (holds === undefined ? [] : [holds]);
