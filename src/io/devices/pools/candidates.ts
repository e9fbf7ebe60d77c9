/**
 * Which disks a pool could be made of, and what keeps the others from it. Pure, over what `lsblk --json --bytes` and
 * `wipefs --json` say: where no udev runs, lsblk knows no signatures, and wipefs reads the disk itself.
 */
import * as z from 'zod';
import { formatSize } from '#events/values/size.ts';

export interface Candidate {
  /** For example `/dev/sdb`. */
  readonly path: string;
  readonly kind: 'disk' | 'partition';
  readonly sizeBytes: number;
  readonly model: string | undefined;
  readonly serial: string | undefined;
  readonly rotational: boolean;
  readonly removable: boolean;
  /** `free`; `holds-data`: can be taken only when told to erase it; `in-use` and `unfit`: cannot be taken. */
  readonly state: 'free' | 'holds-data' | 'in-use' | 'unfit';
  /** Why it is not free, each for a person: `ext4 "backup"`, `mounted at /srv`. */
  readonly why: readonly string[];
}

export interface BlockNode {
  readonly path: string;
  readonly type: string;
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  readonly removable: boolean;
  readonly rotational: boolean;
  readonly model: string | undefined;
  readonly serial: string | undefined;
  readonly filesystem: string | undefined;
  readonly label: string | undefined;
  /** Of the table of partitions: `gpt`, `dos`. */
  readonly partitionTable: string | undefined;
  readonly mountpoints: readonly string[];
  readonly parts: readonly BlockNode[];
}

const text = z.string().nullish();
/** Older versions write numbers and booleans as texts. */
const number = z.union([z.number(), z.string()]).transform(Number).pipe(z.number().int().nonnegative());
const flag = z.union([z.boolean(), z.string().transform((value) => value === '1')]).nullish();
interface Listed {
  readonly path: string;
  readonly type: string;
  readonly size: number;
  readonly ro?: boolean | null | undefined;
  readonly rm?: boolean | null | undefined;
  readonly rota?: boolean | null | undefined;
  readonly model?: string | null | undefined;
  readonly serial?: string | null | undefined;
  readonly fstype?: string | null | undefined;
  readonly label?: string | null | undefined;
  readonly pttype?: string | null | undefined;
  readonly mountpoint?: string | null | undefined;
  readonly mountpoints?: readonly (string | null)[] | null | undefined;
  readonly children?: readonly Listed[] | undefined;
}
const listed: z.ZodType<Listed> = z.object({
  path: z.string(),
  type: z.string(),
  size: number,
  ro: flag,
  rm: flag,
  rota: flag,
  model: text,
  serial: text,
  fstype: text,
  label: text,
  pttype: text,
  mountpoint: text,
  mountpoints: z.array(z.string().nullable()).nullish(),
  get children() {
    return z.array(listed).optional();
  },
});
const answer = z.object({ blockdevices: z.array(listed) });

/** The columns that `parseLsblk` reads. */
export const lsblkColumns = 'PATH,TYPE,SIZE,RO,RM,ROTA,MODEL,SERIAL,FSTYPE,LABEL,PTTYPE,MOUNTPOINT,MOUNTPOINTS';

/** `lsblk --json --bytes --output …`. @returns undefined when it cannot be read */
export function parseLsblk(output: string): readonly BlockNode[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(output);
  } catch {
    return undefined;
  }
  const read = answer.safeParse(json);
  return read.success ? read.data.blockdevices.map(toNode) : undefined;
}

function toNode(said: Listed): BlockNode {
  const known = (value: string | null | undefined) => (value?.trim() ? value.trim() : undefined);
  return {
    path: said.path,
    type: said.type,
    sizeBytes: said.size,
    readOnly: said.ro ?? false,
    removable: said.rm ?? false,
    rotational: said.rota ?? false,
    model: known(said.model)?.replaceAll(/\s+/g, ' '),
    serial: known(said.serial),
    filesystem: known(said.fstype),
    label: known(said.label),
    partitionTable: known(said.pttype),
    mountpoints: [...new Set([said.mountpoint, ...(said.mountpoints ?? [])])].flatMap((at) => known(at) ?? []),
    parts: (said.children ?? []).map(toNode),
  };
}

const wiped = z.object({
  signatures: z.array(z.object({ type: z.string(), label: text, uuid: text })),
});

/** What `wipefs --json --no-act` finds on a device, for example `btrfs "tank"`. @returns undefined when it cannot be read */
export function parseSignatures(output: string): readonly string[] | undefined {
  // Of a device without any it says nothing at all.
  if (output.trim() === '') return [];
  try {
    const { signatures } = wiped.parse(JSON.parse(output));
    return [...new Set(signatures.map(({ type, label }) => named(type, label ?? undefined)))];
  } catch {
    return undefined;
  }
}

const named = (type: string, label: string | undefined): string =>
  label === undefined || label === '' ? type : `${type} ${JSON.stringify(label)}`;

export interface Beyond {
  /** Signatures by path, from `parseSignatures`. */
  readonly signatures?: ReadonlyMap<string, readonly string[]>;
  /** Who has a device open for itself alone, by path. */
  readonly claims?: ReadonlyMap<string, string>;
}

const minBytes = 2 ** 30;
/** What lies on a disk and makes it one of several: it is not for us, mounted or not. */
const layers = /^(?:raid|lvm|crypt|mpath|dm|md|linear)/;

/** Disks and partitions, in the order of the list; what is made of files or memory is left out. */
export function candidates(nodes: readonly BlockNode[], beyond: Beyond = {}): readonly Candidate[] {
  const found: Candidate[] = [];
  const walk = (node: BlockNode): void => {
    if (node.type === 'disk' || node.type === 'part') {
      // Drives without a disk in them.
      if (node.sizeBytes > 0 && !/^\/dev\/(?:zram|ram|sr|fd)\d/.test(node.path)) found.push(toCandidate(node, beyond));
      node.parts.forEach(walk);
    }
  };
  nodes.forEach(walk);
  return found;
}

function toCandidate(node: BlockNode, beyond: Beyond): Candidate {
  const unfit = [
    ...(node.readOnly ? ['read-only'] : []),
    ...(node.sizeBytes < minBytes ? [`smaller than ${formatSize(minBytes)}`] : []),
  ];
  const { uses, holds } = examine(node, beyond);
  const state = unfit.length > 0 ? 'unfit' : uses.length > 0 ? 'in-use' : holds.length > 0 ? 'holds-data' : 'free';
  return {
    path: node.path,
    kind: node.type === 'disk' ? 'disk' : 'partition',
    sizeBytes: node.sizeBytes,
    model: node.model,
    serial: node.serial,
    rotational: node.rotational,
    removable: node.removable,
    state,
    why: [...new Set([...unfit, ...uses, ...holds])],
  };
}

/** Who uses a device or anything in it, and what it holds; each for a person. */
export function examine(
  node: BlockNode,
  beyond: Beyond = {},
): { readonly uses: readonly string[]; readonly holds: readonly string[] } {
  return { uses: [...new Set(usesOf(node, beyond))], holds: [...new Set(dataOf(node, beyond))] };
}

/** Mounts, swap and layers, of the device and of everything in it. */
function usesOf(node: BlockNode, beyond: Beyond): readonly string[] {
  const claim = beyond.claims?.get(node.path);
  return [
    ...node.mountpoints.map((at) => (at === '[SWAP]' ? 'swap of this machine' : `mounted at ${at}`)),
    ...(layers.test(node.type) ? [`part of ${node.path}`] : []),
    ...(claim === undefined ? [] : [claim]),
    ...node.parts.flatMap((part) => usesOf(part, beyond)),
  ];
}

function dataOf(node: BlockNode, beyond: Beyond): readonly string[] {
  const parts = node.parts.filter(({ type }) => type === 'part').length;
  const own = [
    ...(node.filesystem === undefined ? [] : [named(node.filesystem, node.label)]),
    ...(beyond.signatures?.get(node.path) ?? []),
    ...(node.type === 'disk' && node.partitionTable !== undefined && parts === 0
      ? [`a table of partitions (${node.partitionTable})`]
      : []),
  ];
  return parts === 0 ? own : [...own, `${parts} ${parts === 1 ? 'partition' : 'partitions'}`];
}
