/** All that a file can be and have, and every kind of change of it, carried from one real pool to another. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  lchown,
  link,
  lutimes,
  mkdir,
  open,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SnapInfo } from '#io/devices/volumes/port.ts';
import type { ReplicationUnderTest } from '#test/contracts/replication.ts';
import { epoch, first, lineage, patient } from '#test/contracts/replication/bench.ts';
import { attributesIn, inventory } from '../tree-stream/trees.ts';
import { posixAcl, setAttribute } from '../volumes/attributes.ts';
import { treeBetween, type RealKind } from './tree-under-test.ts';

export interface Keeps {
  /** Fractions of seconds, by both. */
  readonly fractions: boolean;
  /** Extended attributes, access lists, holes that are punched, and times far away, by both. */
  readonly attributes: boolean;
}

const bytes = (folder: string, ...names: readonly number[]): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(names)]);
const MiB = 2 ** 20;
const spec = { sizeBytes: 96 * MiB };

export async function makeEverything(root: string, { attributes }: Keeps): Promise<void> {
  const at = (...names: string[]): string => join(root, ...names);
  await mkdir(at('folder', 'inner'), { recursive: true });
  await mkdir(at('empty'));
  await writeFile(at('folder', 'file'), 'content');
  await writeFile(at('nothing'), '');
  await writeFile(at('large'), randomBytes(3 * MiB));
  const sparse = await open(at('sparse'), 'w');
  await sparse.write('in the middle', 9 * MiB);
  await sparse.truncate(20 * MiB);
  await sparse.close();
  await link(at('folder', 'file'), at('linked'));
  await link(at('folder', 'file'), at('folder', 'inner', 'linked too'));
  await symlink('../somewhere/else', at('folder', 'link'));
  await symlink('x'.repeat(1000), at('long link'));
  await writeFile(bytes(root, 0xff, 0xfe, 0x0a), 'no text');
  await writeFile(bytes(root, 0xc3, 0xa9), 'é');
  await writeFile(bytes(root, 0x65, 0xcc, 0x81), 'é, in another way');
  await writeFile(at('-rf * $(x)'), 'looks like an option');
  await writeFile(at('n'.repeat(255)), 'the longest name');
  await mkdir(at(...Array.from({ length: 12 }, (_, n) => `${n}`.repeat(120))), { recursive: true });
  execFileSync('mknod', [at('fifo'), 'p']);
  execFileSync('mknod', [at('device'), 'c', '1', '3']);
  const bind = 'use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un("socket")) or die $!';
  execFileSync('perl', ['-e', bind], { cwd: root });
  await chown(at('folder', 'file'), 4711, 65_534);
  await lchown(at('folder', 'link'), 12, 34);
  await chmod(at('nothing'), 0o6751);
  await chmod(at('empty'), 0o1777);
  if (attributes) {
    setAttribute(at('large'), 'user.origin', Buffer.from('a person'));
    setAttribute(at('folder'), 'user.empty', Buffer.alloc(0));
    setAttribute(at('device'), 'trusted.origin', randomBytes(300));
    setAttribute(at('folder'), 'system.posix_acl_access', posixAcl(4711));
    setAttribute(at('folder'), 'system.posix_acl_default', posixAcl(12));
    await utimes(at('nothing'), 0, -86_400.5);
    execFileSync('touch', ['--date=@4294967300.123456789', at('empty')]);
  }
  await utimes(at('large'), 1.5, 1_234_567.25);
  await lutimes(at('folder', 'link'), 5, 99.125);
}

export const changes: Readonly<Record<string, (root: string, keeps: Keeps) => Promise<void>>> = {
  nothing: async () => undefined,
  async content(root, { attributes }) {
    const large = await open(join(root, 'large'), 'r+');
    await large.write('new', 1_400_000);
    await large.write('at the end', 3 * MiB);
    await large.close();
    await truncate(join(root, 'sparse'), 10 * MiB);
    const hole = ['--offset', '524288', '--length', '524288', join(root, 'large')];
    if (attributes) execFileSync('fallocate', ['--punch-hole', ...hole]);
    await writeFile(join(root, 'linked'), 'another content, of all three names');
    await utimes(join(root, 'folder', 'file'), 7, 7.000_5);
  },
  async metadata(root, { attributes }) {
    const at = (...names: string[]): string => join(root, ...names);
    await chmod(at('folder'), 0o700);
    await chown(at('fifo'), 1, 2);
    await chmod(at('socket'), 0o600);
    await lchown(at('long link'), 77, 88);
    if (attributes) {
      setAttribute(at('large'), 'user.origin', Buffer.from('somebody else'));
      setAttribute(at('nothing'), 'user.more', randomBytes(600));
      setAttribute(at('nothing'), 'system.posix_acl_access', posixAcl(99));
    }
    await utimes(at('empty'), 3, 3.75);
    await chown(root, 55, 66);
    await chmod(root, 0o2770);
  },
  async names(root) {
    const at = (...names: string[]): string => join(root, ...names);
    await rename(at('folder'), at('renamed folder'));
    await rename(at('large'), at('aside'));
    await rename(at('sparse'), at('large'));
    await rename(at('aside'), at('sparse'));
    await rename(bytes(root, 0xff, 0xfe, 0x0a), bytes(root, 0x80));
    await rename(at('n'.repeat(255)), at('m'.repeat(255)));
  },
  async kinds(root) {
    const at = (...names: string[]): string => join(root, ...names);
    for (const name of ['nothing', 'fifo', 'long link', 'renamed folder']) await rm(at(name), { recursive: true });
    await mkdir(at('nothing', 'now a folder'), { recursive: true });
    await writeFile(at('fifo'), 'now a file');
    execFileSync('mknod', [at('long link'), 'p']);
    await symlink('now a link', at('renamed folder'));
    await rm(at('empty'), { recursive: true });
    await writeFile(at('empty'), '');
  },
  async 'hard links'(root) {
    const at = (...names: string[]): string => join(root, ...names);
    await rm(at('linked'));
    await link(at('sparse'), at('linked'));
    await link(at('fifo'), at('nothing', 'linked'));
    await link(at('renamed folder'), at('linked link'));
    await writeFile(at('sparse'), 'of two names');
  },
  async 'all but some'(root) {
    execFileSync('find', [
      root,
      '-mindepth',
      '1',
      '-maxdepth',
      '1',
      '!',
      '-name',
      'linked*',
      '-exec',
      'rm',
      '-r',
      '{}',
      '+',
    ]);
  },
};

export function everythingArrives(from: RealKind, to: RealKind, keeps: Keeps): void {
  describe(`from ${from} to ${to}`, () => {
    let it: ReplicationUnderTest;
    beforeAll(async () => {
      it = await treeBetween(from, to);
    });
    afterAll(() => it?.dispose());
    carriesEverything(() => it, keeps);
  });
}

function carriesEverything(setup: () => ReplicationUnderTest, keeps: Keeps): void {
  test('everything that files are and have arrives, and after each kind of change only what changed', async () => {
    const { here, there } = setup();
    const of = { pool: here.pool, name: 'everything' };
    const into = { pool: there.pool, name: 'everything' };
    const { path } = await here.volumes.create(of, spec, patient());
    const names: string[] = [];
    const sizes = new Map<string, number>();
    let before: SnapInfo | undefined;
    const carry = async (what: string): Promise<void> => {
      const name = what.replaceAll(' ', '-');
      const to = await here.volumes.snapshot(of, name, patient());
      const how = { compressed: false, raw: false, fractions: keeps.fractions };
      const base = before ? { from: before.guid } : {};
      const { bytes: sent, format } = await here.replication.send(of, { ...base, to: to.guid }, how, patient());
      let size = 0;
      const counted = (async function* () {
        for await (const piece of sent) {
          size += piece.length;
          yield piece;
        }
      })();
      await there.replication.receive(into, { ...base, to, format, epoch: first, lineage }, counted, patient());
      names.push(name);
      sizes.set(what, size);
      before = to;
    };
    await makeEverything(path, keeps);
    await carry('everything');
    for (const [what, change] of Object.entries(changes)) {
      await change(path, keeps);
      await carry(what);
    }

    await there.replication.promote(into, epoch(2), spec, patient());
    const shown = (lines: readonly string[]): readonly string[] =>
      keeps.fractions ? lines : lines.map((line) => line.replace(/\d{9}(","\d*","[^"]*"\])$/, '$1'));
    for (const name of names) {
      const [sent, got] = [
        await here.volumes.snapshotPath(of, name, patient()),
        await there.volumes.snapshotPath(into, name, patient()),
      ];
      expect(shown(await inventory(got)), name).toEqual(shown(await inventory(sent)));
      expect(attributesIn(got), name).toBe(attributesIn(sent));
    }
    expect(sizes.get('everything')).toBeGreaterThan(3 * MiB);
    expect(sizes.get('nothing')).toBeLessThan(1000);
    expect(sizes.get('content')).toBeLessThan(MiB);
    expect(sizes.get('metadata')).toBeLessThan(10_000);
  });
}
