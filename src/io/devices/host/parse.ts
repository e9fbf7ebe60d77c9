/** What the kernel and the system tell about the machine, as values. Pure; tested on captured text. */

import type { BlockDevice } from './port.ts';

export interface CpuTimes {
  /** Ticks of all cores since the start, idle ones included. */
  readonly total: number;
  readonly idle: number;
}

/** `/proc/stat`. Waiting for a disk is idle: another program could have the core. @returns undefined when unreadable */
export function parseCpuTimes(text: string): CpuTimes | undefined {
  const line = /^cpu +(.+)$/m.exec(text)?.[1];
  // user nice system idle iowait irq softirq steal; guests are in user already.
  const ticks = line?.trim().split(/ +/).slice(0, 8).map(Number);
  if (!ticks || ticks.length < 4 || ticks.some(Number.isNaN)) return undefined;
  return { total: ticks.reduce((sum, n) => sum + n, 0), idle: (ticks[3] ?? 0) + (ticks[4] ?? 0) };
}

/** Share of all cores that was in use between two readings, 0 to 1; undefined when no time has passed between them. */
export function cpuShare(before: CpuTimes, after: CpuTimes): number | undefined {
  const total = after.total - before.total;
  if (total <= 0) return undefined;
  // The kernel's counter of idle time may go back a little.
  return Math.min(1, Math.max(0, 1 - (after.idle - before.idle) / total));
}

/** `/proc/meminfo`: used is what a new program could not have. */
export function parseMemory(text: string): { readonly totalBytes: number; readonly usedBytes: number } | undefined {
  const bytes = (key: string): number | undefined => {
    const match = new RegExp(`^${key}: +(\\d+) kB$`, 'm').exec(text);
    return match ? Number(match[1]) * 1024 : undefined;
  };
  const totalBytes = bytes('MemTotal');
  const availableBytes = bytes('MemAvailable') ?? bytes('MemFree');
  if (totalBytes === undefined || availableBytes === undefined) return undefined;
  return { totalBytes, usedBytes: Math.max(0, totalBytes - availableBytes) };
}

/** `/etc/os-release`: for example `Debian GNU/Linux 12 (bookworm)`. */
export function parseOsName(text: string): string | undefined {
  const value = (key: string) => new RegExp(`^${key}=(["']?)(.*)\\1\\s*$`, 'm').exec(text)?.[2];
  return (value('PRETTY_NAME') ?? value('NAME'))?.replace(/\\(["'$`\\])/g, '$1');
}

/** `/proc/net/if_inet6`: addresses that will not stay, as 32 hexadecimal digits: private, outdated, not yet in use. */
export function parseFleetingAddresses(text: string): ReadonlySet<string> {
  const [temporary, failed, outdated, tentative] = [0x01, 0x08, 0x20, 0x40];
  const fleeting = new Set<string>();
  for (const line of text.split('\n')) {
    const [address, , , , flags] = line.trim().split(/\s+/);
    if (address === undefined || flags === undefined) continue;
    if ((Number.parseInt(flags, 16) & (temporary | failed | outdated | tentative)) !== 0) fleeting.add(address);
  }
  return fleeting;
}

/** What the files of `/sys/block/<name>` hold; a file that is not there is empty. */
export interface BlockDeviceFiles {
  readonly name: string;
  /** Where the link leads. */
  readonly path: string;
  /** Sectors of 512 bytes, whatever the disk's own are. */
  readonly size?: string | undefined;
  readonly model?: string | undefined;
  /** Of memory cards, which have no model. */
  readonly card?: string | undefined;
  readonly rotational?: string | undefined;
}

const sectorBytes = 512;
/** Drives without a disk in them, and the parts of a memory card that only its firmware uses. */
const noDisk = /^(?:sr|fd)\d|^mmcblk\d+(?:boot\d+|rpmb)$/;
const longestModel = 128;

/** @returns undefined for what is no disk: made of files or memory, empty, or a drive for disks that come and go */
export function parseBlockDevice({
  name,
  path,
  size,
  model,
  card,
  rotational,
}: BlockDeviceFiles): BlockDevice | undefined {
  const sizeBytes = Number(size?.trim()) * sectorBytes;
  if (path.includes('/virtual/') || noDisk.test(name) || !Number.isSafeInteger(sizeBytes) || sizeBytes <= 0)
    return undefined;
  const said = [model, card].map((text) => text?.trim().replaceAll(/\s+/g, ' ') ?? '').find((text) => text !== '');
  return { name, sizeBytes, model: said?.slice(0, longestModel) ?? null, rotational: rotational?.trim() === '1' };
}

export interface InterfaceAddress {
  readonly interface: string;
  readonly address: string;
  readonly internal: boolean;
}

/** Made by engines for containers and virtual machines: nobody else reaches the machine there. */
const inner = /^(docker|br-|veth|virbr|vnet|cni|flannel|cali|podman|lxcbr|lxdbr|kube|fl-)/;

/** Addresses at which others reach the machine: IPv4 before IPv6, sorted, so that the same ones are the same text. */
export function reachableAddresses(all: readonly InterfaceAddress[], fleeting: ReadonlySet<string>): readonly string[] {
  const reachable = all.filter(
    ({ interface: name, address, internal }) =>
      !internal &&
      !inner.test(name) &&
      !/^(169\.254\.|fe[89ab][0-9a-f]:)/i.test(address) &&
      !fleeting.has(hexDigits(address)),
  );
  const isV6 = (address: string) => (address.includes(':') ? 1 : 0);
  return [...new Set(reachable.map(({ address }) => address))]
    .sort((a, b) => isV6(a) - isV6(b) || (a < b ? -1 : 1))
    .slice(0, 64);
}

/** `fd00::2` as the kernel's tables have it: 32 digits. */
function hexDigits(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...after]
    .map((group) => group.padStart(4, '0'))
    .join('');
}
