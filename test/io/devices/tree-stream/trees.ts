/** Folders for tests of streams: made, changed at random, and compared by other means than those that are tested. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  link,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  truncate,
} from 'node:fs/promises';
import { chmod, lchown } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { Call } from '#io/devices/call.ts';
import type { ReceiveOptions, Received } from '#io/devices/tree-stream/receive.ts';
import { receiveTree } from '#io/devices/tree-stream/receive.ts';
import type { SendOptions } from '#io/devices/tree-stream/send.ts';
import { sendTree } from '#io/devices/tree-stream/send.ts';

export const call: Call = { signal: new AbortController().signal, timeoutMs: 60_000, progress: () => undefined };

/** Why whole trees cannot be read and written here, for `describeReal`. */
export function missingForTrees(): string | undefined {
  if (process.platform !== 'linux') return 'Linux';
  if (process.getuid?.() !== 0) return 'the right to give files any owner (root)';
  return ['perl', 'mknod'].find((program) => !['/usr/bin', '/bin'].some((at) => existsSync(join(at, program))));
}

/** A private folder, gone with `dispose`. */
export async function tempFolder(): Promise<{ readonly path: string; dispose(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'floatlab-tree-stream-'));
  return { path, dispose: () => rm(path, { recursive: true }) };
}

/** With all that its files have, by the tools of the system. */
export const copyTree = (from: string, to: string): void =>
  void execFileSync('cp', ['--archive', '--no-target-directory', from, to]);

export async function sent(options: SendOptions): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of sendTree(options, call)) chunks.push(Uint8Array.from(chunk));
  return chunks;
}

export const received = (chunks: Iterable<Uint8Array>, options: ReceiveOptions): Promise<Received> =>
  receiveTree(asStream(chunks), options, call);

export async function* asStream(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
}

/** All that is in a folder as lines of text, in which hard links show as groups of paths. */
export async function inventory(root: string): Promise<readonly string[]> {
  const lines: string[] = [];
  const groups = new Map<bigint, string[]>();
  const walk = async (folder: Buffer, path: string): Promise<void> => {
    const stats = await lstat(folder, { bigint: true });
    const about = [stats.mode.toString(8), stats.uid, stats.gid, stats.mtimeNs, stats.isDirectory() ? '' : stats.rdev];
    let content = '';
    if (stats.isFile())
      content = createHash('sha1')
        .update(await readFile(folder))
        .digest('hex');
    if (stats.isSymbolicLink()) content = (await readlink(folder, { encoding: 'buffer' })).toString('latin1');
    lines.push(JSON.stringify([path, ...about.map(String), content]));
    if (!stats.isDirectory()) {
      if (stats.nlink > 1n) groups.set(stats.ino, [...(groups.get(stats.ino) ?? []), path]);
      return;
    }
    for (const name of await readdir(folder, { encoding: 'buffer' }))
      await walk(Buffer.concat([folder, Buffer.from('/'), name]), `${path}/${name.toString('latin1')}`);
  };
  await walk(Buffer.from(root), '');
  for (const paths of groups.values()) lines.push(`one file: ${JSON.stringify(paths.toSorted())}`);
  return lines.toSorted();
}

/** Attributes and access lists of all files, one line for each that has some. */
export function attributesIn(root: string): string {
  const numbers = process.arch === 'arm64' ? { get: 9, list: 12 } : { get: 192, list: 195 };
  const program = String.raw`
    use strict;
    sub walk {
      my ($path, $shown) = @_;
      my $list = "\0" x 65536;
      my $n = syscall(${numbers.list}, $path, $list, 65536);
      my @found = map { my $k = $_; my $v = "\0" x 65536; my $l = syscall(${numbers.get}, $path, $k, $v, 65536); $k . '=' . unpack('H*', substr($v, 0, $l)) }
        sort split /\0/, substr($list, 0, $n > 0 ? $n : 0);
      print unpack('H*', $shown), " @found\n" if @found;
      return if -l $path || !-d _;
      opendir(my $d, $path) or die "$path: $!";
      walk("$path/$_", "$shown/$_") for sort grep { $_ ne '.' && $_ ne '..' } readdir $d;
    }
    walk($ARGV[0], '');
  `;
  return execFileSync('perl', ['-e', program, root], { encoding: 'utf8', maxBuffer: 2 ** 28 });
}

/** One change of a tree; which file it concerns depends on what is there. */
export type Edit =
  | { readonly what: 'folder' | 'remove' | 'special'; readonly at: number; readonly name: number }
  | { readonly what: 'file'; readonly at: number; readonly name: number; readonly size: number; readonly fill: number }
  | {
      readonly what: 'write';
      readonly at: number;
      readonly offset: number;
      readonly size: number;
      readonly fill: number;
    }
  | { readonly what: 'truncate'; readonly at: number; readonly size: number }
  | {
      readonly what: 'link' | 'hardLink' | 'rename' | 'replace';
      readonly at: number;
      readonly to: number;
      readonly name: number;
    }
  | { readonly what: 'mode' | 'owner' | 'attribute'; readonly at: number; readonly value: number };

const number = fc.nat({ max: 1000 });
const blockish = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(131_071, 131_072, 131_073, 300_000, 786_432));
const name = fc.nat({ max: 11 });

export const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ what: fc.constantFrom('folder' as const, 'remove' as const, 'special' as const), at: number, name }),
  fc.record({ what: fc.constant('folder' as const), at: number, name }),
  fc.record({ what: fc.constant('file' as const), at: number, name, size: blockish, fill: fc.nat({ max: 3 }) }),
  fc.record({ what: fc.constant('file' as const), at: number, name, size: blockish, fill: fc.nat({ max: 3 }) }),
  fc.record({
    what: fc.constant('write' as const),
    at: number,
    offset: blockish,
    size: blockish,
    fill: fc.nat({ max: 3 }),
  }),
  fc.record({ what: fc.constant('truncate' as const), at: number, size: blockish }),
  fc.record({
    what: fc.constantFrom(
      'link' as const,
      'hardLink' as const,
      'hardLink' as const,
      'rename' as const,
      'replace' as const,
    ),
    at: number,
    to: number,
    name,
  }),
  fc.record({
    what: fc.constantFrom('mode' as const, 'owner' as const, 'attribute' as const),
    at: number,
    value: fc.nat({ max: 511 }),
  }),
);

/** Bytes that are no text, a line break, what looks like a path or a flag, and the longest name there is. */
const names = ['a', 'b', 'c', 'd', 'e', '-rf', ' ', 'line\nbreak', '\xff\xfe', '...', '\xc3\xa9', 'x'.repeat(255)].map(
  (text) => Buffer.from(text, 'latin1'),
);

/** What makes no sense where it is tried does nothing. */
export async function applyEdits(root: string, edits: readonly Edit[]): Promise<void> {
  for (const next of edits) await apply(Buffer.from(root), next);
}

async function apply(root: Buffer, change: Edit): Promise<void> {
  const all = await entriesOf(root);
  const folders = [root, ...all.filter(({ isFolder }) => isFolder).map(({ path }) => path)];
  const pick = (from: readonly Buffer[], at: number): Buffer | undefined => from[at % Math.max(1, from.length)];
  const files = all.filter(({ isFile }) => isFile).map(({ path }) => path);
  const others = all.filter(({ isFolder }) => !isFolder).map(({ path }) => path);
  const below = (at: number, index: number): Buffer =>
    Buffer.concat([pick(folders, at) as Buffer, Buffer.from('/'), names[index] as Buffer]);
  const fill = (size: number, letter: number): Buffer => Buffer.alloc(size, letter === 0 ? '\0' : `${letter}, `);
  try {
    switch (change.what) {
      case 'folder':
        return await mkdir(below(change.at, change.name));
      case 'special': {
        const kind = change.at % 3;
        const path = below(change.at, change.name);
        // Arguments are text; names of special files are plain ones.
        if (path.toString('utf8') !== path.toString('latin1')) return;
        execFileSync('mknod', ['--', path.toString(), ...(kind === 0 ? ['p'] : ['c', '1', String(3 + kind)])], {
          stdio: 'ignore',
        });
        return;
      }
      case 'file':
        return await write(below(change.at, change.name), 0, fill(change.size, change.fill), 'wx');
      case 'write': {
        const path = pick(files, change.at);
        if (path) await write(path, change.offset, fill(change.size, change.fill), 'r+');
        return;
      }
      case 'truncate': {
        const path = pick(files, change.at);
        if (!path) return;
        return await truncate(path, change.size);
      }
      case 'remove': {
        const path = pick(
          all.map((entry) => entry.path),
          change.at,
        );
        if (path) await rm(path, { recursive: true });
        return;
      }
      case 'link':
        return await symlink(names[change.to % names.length] as Buffer, below(change.at, change.name));
      case 'hardLink': {
        const path = pick(others, change.to);
        if (path) await link(path, below(change.at, change.name));
        return;
      }
      case 'rename':
      case 'replace': {
        const path = pick(
          all.map((entry) => entry.path),
          change.to,
        );
        const to = below(change.at, change.name);
        if (path && (change.what === 'replace' || !all.some((entry) => entry.path.equals(to)))) await rename(path, to);
        return;
      }
      case 'mode': {
        const path = pick([...files, ...folders], change.at);
        if (path) await chmod(path, change.value);
        return;
      }
      case 'owner': {
        const path = pick([...others, ...folders], change.at);
        if (path) await lchown(path, change.value, change.value + 1);
        return;
      }
      case 'attribute': {
        const path = pick([...files, ...folders], change.at);
        if (path) setAttributes(path, change.value);
        return;
      }
    }
  } catch (error) {
    if (
      !/^(EEXIST|ENOTDIR|EISDIR|ENOTEMPTY|EINVAL|ENOENT|EPERM)/.test(String((error as { code?: unknown }).code)) &&
      !String(error).includes('mknod')
    )
      throw error;
  }
}

/** One that comes or goes, and an access list of a folder. */
function setAttributes(path: Buffer, value: number): void {
  const numbers = process.arch === 'arm64' ? { set: 5, remove: 14 } : { set: 188, remove: 197 };
  const program =
    value % 3 === 0
      ? `syscall(${numbers.remove}, $p, $k)`
      : `my $v = pack('H*', $ARGV[1]); syscall(${numbers.set}, $p, $k, $v, length $v, 0)`;
  const [key, bytes] =
    value % 3 < 2
      ? ['user.one', Buffer.from(String(value))]
      : [
          'system.posix_acl_access',
          Buffer.from(
            '0200000001000700ffffffff0200060039300000040005'.concat('00ffffffff10000700ffffffff20000000ffffffff'),
            'hex',
          ),
        ];
  execFileSync('perl', [
    '-e',
    `my $p = pack('H*', $ARGV[0]); my $k = $ARGV[2]; ${program}`,
    path.toString('hex'),
    bytes.toString('hex'),
    key,
  ]);
}

async function write(path: Buffer, offset: number, bytes: Buffer, flags: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.write(bytes, 0, bytes.length, offset);
  } finally {
    await handle.close();
  }
}

async function entriesOf(folder: Buffer): Promise<{ path: Buffer; isFolder: boolean; isFile: boolean }[]> {
  const found: { path: Buffer; isFolder: boolean; isFile: boolean }[] = [];
  const entries = await readdir(folder, { encoding: 'buffer', withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => Buffer.compare(a.name, b.name))) {
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name]);
    found.push({ path, isFolder: entry.isDirectory(), isFile: entry.isFile() });
    if (entry.isDirectory()) found.push(...(await entriesOf(path)));
  }
  return found;
}
