/**
 * Looks at block devices before anything is done to them: that they are devices at all, that nobody uses them, and what
 * they hold. Four witnesses, because none of them sees everything: lsblk (mounts, partitions, layers), wipefs (what the
 * disk itself says, without udev), the kernel (who has it open for itself alone: another pool, swap, RAID), and the
 * stable names below /dev/disk/by-id.
 */
import { constants } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError } from '../error.ts';
import type { RunCommand } from '../run.ts';
import type { Deadline } from '../volumes/deadline.ts';
import type { Candidate } from './candidates.ts';
import { candidates, examine, lsblkColumns, parseLsblk, parseSignatures } from './candidates.ts';
import { damaged } from './damaged.ts';
import { checkPath, invalid } from './names.ts';

/** What stands at a path, as far as it concerns whoever wants to take it. */
export interface DeviceFacts {
  /** The one to use: stable across boots where there is such a name. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Who uses it, each for a person. */
  readonly uses: readonly string[];
  /** What it holds: `ext4 "backup"`. */
  readonly holds: readonly string[];
}

export interface DeviceInspector {
  candidates(within: Deadline): Promise<readonly Candidate[]>;
  /** @throws IoError INVALID when there is no such device */
  inspect(op: string, path: string, within: Deadline): Promise<DeviceFacts>;
  /** All paths of the same device, the given one first: zfs knows a disk by the one that it was told. */
  names(path: string): Promise<readonly string[]>;
}

/**
 * Finds out whether the devices may be taken.
 * @returns their stable paths, in the same order
 * @throws IoError INVALID, BUSY (in use), HELD (holds data, and nobody said that it may be erased)
 */
export async function claimDevices(
  inspector: DeviceInspector,
  op: string,
  paths: readonly string[],
  erase: boolean,
  within: Deadline,
): Promise<readonly string[]> {
  const found: DeviceFacts[] = [];
  for (const path of paths) {
    const device = await inspector.inspect(op, path, within);
    if (device.uses.length > 0) {
      throw new IoError('BUSY', {
        op,
        target: path,
        message: `${path} is in use: ${device.uses.join(', ')}`,
        hint: 'Take another device, or end what uses it. What is in use is never erased.',
      });
    }
    if (device.holds.length > 0 && !erase) {
      throw new IoError('HELD', {
        op,
        target: path,
        message: `${path} is not empty: it holds ${device.holds.join(', ')}`,
        hint: 'Take another device; or, when nobody needs what it holds, say that it may be erased.',
      });
    }
    if (found.some((other) => other.path === device.path))
      throw invalid(op, path, 'is named twice', 'Name each device once.');
    found.push(device);
  }
  return found.map(({ path }) => path);
}

export function deviceInspector(run: RunCommand): DeviceInspector {
  const list = async (within: Deadline, ...paths: readonly string[]) => {
    const args = ['--json', '--bytes', '--output', lsblkColumns, ...paths];
    const ran = await run('lsblk', args, { signal: within.signal, timeoutMs: within.timeoutMs });
    const nodes = parseLsblk(ran.stdout);
    if (nodes === undefined)
      throw damaged('lsblk', paths[0] ?? 'the disks', 'it is not as expected', ran.stdout || ran.stderr);
    return nodes;
  };
  const signaturesOf = async (path: string, within: Deadline): Promise<readonly string[]> => {
    const args = ['--json', '--no-act', path];
    const ran = await run('wipefs', args, { signal: within.signal, timeoutMs: within.timeoutMs, target: path });
    const found = ran.exitCode === 0 ? parseSignatures(ran.stdout) : undefined;
    if (found === undefined) throw damaged('wipefs', path, 'it is not as expected', ran.stdout || ran.stderr);
    return found;
  };

  return {
    async candidates(within) {
      const nodes = await list(within);
      const paths = candidates(nodes).flatMap(({ path, state }) =>
        state === 'in-use' || state === 'unfit' ? [] : [path],
      );
      const signatures = new Map<string, readonly string[]>();
      const claims = new Map<string, string>();
      for (const path of paths) {
        const claim = await claimOf(path);
        if (claim === undefined) signatures.set(path, await signaturesOf(path, within));
        else claims.set(path, claim);
      }
      return candidates(nodes, { signatures, claims });
    },

    async names(path) {
      // One that is gone has the name that people knew it by.
      const device = await realpath(path).catch(() => path);
      return [...new Set([path, device, ...(await stableNames(device))])];
    },

    async inspect(op, path, within) {
      checkPath(op, path);
      const device = await blockDevice(op, path);
      const [node] = await list(within, device);
      if (!node) throw invalid(op, path, 'is no device', 'Look at the list of disks of this node.');
      if (node.sizeBytes === 0) throw invalid(op, path, 'has no disk in it', 'Put one in, or name another device.');
      // A loop device is as good as a disk for whoever names it; only, nobody is offered one.
      if (node.readOnly || !['disk', 'part', 'loop'].includes(node.type)) {
        const why = node.readOnly ? 'cannot be written' : `is a device of kind ${node.type}`;
        throw invalid(op, path, why, 'Name a disk or a partition.');
      }
      const claim = await claimOf(device);
      const claims = new Map(claim === undefined ? [] : [[node.path, claim]]);
      const signatures = new Map(claim === undefined ? [[node.path, await signaturesOf(device, within)]] : []);
      return { path: await stableName(device), sizeBytes: node.sizeBytes, ...examine(node, { claims, signatures }) };
    },
  };
}

/** @returns the device itself, where the path is a link @throws IoError INVALID */
async function blockDevice(op: string, path: string): Promise<string> {
  const hint = 'Look at the list of disks of this node.';
  try {
    const real = await realpath(path);
    if (real.startsWith('/dev/') && (await stat(real)).isBlockDevice()) return real;
  } catch (error) {
    throw new IoError('INVALID', { op, target: path, message: `there is no device ${path}`, hint, cause: error });
  }
  throw invalid(op, path, 'is not a disk or a partition', hint);
}

/** The kernel lets only one have a device for itself alone: a mount, a pool, swap, a RAID. */
async function claimOf(device: string): Promise<string | undefined> {
  try {
    const file = await open(device, constants.O_RDONLY | constants.O_EXCL);
    await file.close();
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'EBUSY'
      ? 'something has it open for itself alone (a pool, swap, RAID)'
      : `it cannot be opened (${String(code)})`;
  }
}

const byId = '/dev/disk/by-id';

/** A name by the disk's own number: `/dev/sdb` is another disk after the next boot. */
const stableName = async (device: string): Promise<string> => (await stableNames(device))[0] ?? device;

/** Those that say maker and number before those that are only numbers. */
async function stableNames(device: string): Promise<readonly string[]> {
  // Without udev there are none, and a link of a disk that has just been pulled out leads nowhere.
  const names = await readdir(byId).catch((): string[] => []);
  const rank = (name: string) => (/^(?:wwn|nvme-eui|nvme-nvme|scsi-\d|dm|md|lvm)/.test(name) ? 1 : 0);
  const found: string[] = [];
  for (const name of names.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))) {
    const target = await realpath(join(byId, name)).catch(() => undefined);
    if (target === device) found.push(join(byId, name));
  }
  return found;
}
