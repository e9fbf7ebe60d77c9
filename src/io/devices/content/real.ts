/**
 * With the programs of coreutils, killable, and a comparison of our own (`compare.ts`):
 *
 *     copy      sync the source, so that whatever is written from here on shows · cp everything
 *     finish    compare · remove what is gone · copy what has changed · give all folders what they had · sync · look
 *
 * The second folder was made right before the copy: what the kernel says has changed before that moment, and looks
 * alike, is the same. Where a file system does not say when a folder was made, or a name is no text, everything is
 * copied once more while the app stands still.
 */
import { createReadStream } from 'node:fs';
import { access, constants, link, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { IoError } from '../error.ts';
import { joined } from '../joined.ts';
import { run as runProgram, type RunCommand } from '../run.ts';
import { deadline, type Deadline } from '../volumes/deadline.ts';
import { commandError, stepError } from '../volumes/dir/errors.ts';
import { dirTools, type Tools } from '../volumes/dir/tools.ts';
import { differences, firstUnlike, pathIn, type Changed, type Differences } from './compare.ts';
import type { ContentPort } from './port.ts';

/** Of the clock by which a kernel dates changes: what has changed so shortly before the copy is copied once more. */
const usualGraceMs = 1000;
/** Of the arguments of one program. */
const batchBytes = 64_000;

export function realContent(run: RunCommand = runProgram, graceMs = usualGraceMs): ContentPort {
  return {
    reach: (path, call) => deadline(call, 'reach', path).race(reached(path)),

    async copy(from, to, call) {
      const within = deadline(call, 'copy', to);
      const tools = dirTools(run, to, within);
      await guarded('copy', to, async () => {
        await empty(to, tools);
        await tools.flush(from);
        await tools.copy(from, to, 'moving');
        await tools.flush(to);
      });
    },

    finish: (from, to, call) => {
      const within = deadline(call, 'finish', to);
      const tools = dirTools(run, to, within);
      return guarded('finish', to, async () => {
        await tools.flush(from);
        const before = await beginningOf(to, graceMs);
        const found = await differences(from, to, (source) => before !== undefined && source.ctimeNs < before, within);
        const isWhole = before === undefined || !isText(found);
        if (isWhole) {
          await empty(to, tools);
          await tools.copy(from, to, 'still');
        } else {
          await apply(from, to, found, { run, tools, within });
        }
        await tools.flush(to);
        await check(from, to, isWhole ? [] : found.changed, within);
        return { entries: found.entries, copied: isWhole ? found.entries : found.changed.length };
      });
    },
  };
}

/** The folders of an app may be on a share that hangs, and are looked at again and again. */
const reached = joined(reach);

async function reach(path: string): Promise<'writable' | 'read-only' | 'absent'> {
  try {
    await access(path, constants.W_OK);
    return 'writable';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EROFS') return 'read-only';
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'absent';
    throw stepError(error, 'reach', path);
  }
}

/** When the folder was made, with some grace; undefined where nobody knows. */
async function beginningOf(folder: string, graceMs: number): Promise<bigint | undefined> {
  const { birthtimeNs, ctimeNs } = await lstat(folder, { bigint: true });
  // Where the file system does not say, it is nothing, or the same as the last change.
  return birthtimeNs <= 0n || birthtimeNs === ctimeNs ? undefined : birthtimeNs - BigInt(graceMs) * 1_000_000n;
}

/** Programs are told names as text. */
const isText = ({ surplus, folders, changed }: Differences): boolean =>
  [...surplus, ...folders, ...changed.map(({ name }) => name)].every((name) =>
    Buffer.from(name.toString()).equals(name),
  );

async function empty(folder: string, tools: Tools): Promise<void> {
  for (const name of await readdir(folder, { encoding: 'buffer' })) {
    const path = pathIn(folder, name);
    if (Buffer.from(path.toString()).equals(path)) await tools.remove(path.toString());
    else await rm(path, { recursive: true, force: true });
  }
}

interface Means {
  readonly run: RunCommand;
  readonly tools: Tools;
  readonly within: Deadline;
}

async function apply(from: string, to: string, found: Differences, { run, tools, within }: Means): Promise<void> {
  for (const name of found.surplus) await tools.remove(pathIn(to, name).toString());
  for (const name of found.folders) await mkdir(pathIn(to, name));
  const first = new Map<bigint, Buffer>();
  const batches = new Map<string, string[][]>();
  const links: (readonly [of: Buffer, name: Buffer])[] = [];
  for (const { name, inode } of found.changed) {
    await rm(pathIn(to, name), { force: true });
    const known = inode === undefined ? undefined : first.get(inode);
    if (known) {
      links.push([known, name]);
      continue;
    }
    if (inode !== undefined) first.set(inode, name);
    addTo(batches, name.toString());
  }
  for (const [folder, lists] of batches) {
    for (const names of lists) {
      within.check();
      const sources = names.map((name) => `${from}/${name}`);
      const into = folder === '' ? to : `${to}/${folder}`;
      const args = [
        '--archive',
        `--preserve=${keep}`,
        '--sparse=always',
        '--reflink=auto',
        `--target-directory=${into}`,
      ];
      await must(run, [...args, '--', ...sources], to, within);
    }
  }
  for (const [of, name] of links) await link(pathIn(to, of), pathIn(to, name));
  // Copying into a folder has changed its time, and it may have another owner, mode or ACL than before: whatever is not
  // newer is passed over, but folders get everything once more.
  await must(run, ['--archive', `--preserve=${keep}`, '--update', '--no-target-directory', '--', from, to], to, within);
}

const keep = 'mode,ownership,timestamps,links,xattr';

async function must(run: RunCommand, args: readonly string[], target: string, within: Deadline): Promise<void> {
  const ran = await run('cp', args, { signal: within.signal, timeoutMs: within.timeoutMs, target });
  if (ran.exitCode !== 0) throw commandError('cp', target, ran);
}

/** By folder, and in each as many as fit into the arguments of one program. */
function addTo(batches: Map<string, string[][]>, name: string): void {
  const folder = name.slice(0, Math.max(0, name.lastIndexOf('/')));
  const lists = batches.get(folder) ?? [];
  batches.set(folder, lists);
  const last = lists.at(-1);
  const bytes = (last ?? []).reduce((sum, one) => sum + one.length, 0);
  if (last && last.length < 500 && bytes < batchBytes) last.push(name);
  else lists.push([name]);
}

/** All entries by what the kernel says of them; what was copied last by its content. */
async function check(from: string, to: string, copied: readonly Changed[], within: Deadline): Promise<void> {
  const unlike = await firstUnlike(from, to, within);
  if (unlike !== undefined) throw differ(from, to, unlike);
  for (const { name, isFile } of copied) {
    within.check();
    if (isFile && !(await isSameContent(pathIn(from, name), pathIn(to, name)))) throw differ(from, to, name.toString());
  }
}

const differ = (from: string, to: string, what: string): IoError =>
  new IoError('DAMAGED', {
    op: 'finish',
    target: to,
    message: `${what} is not the same in ${from} and in its copy ${to}`,
    hint: 'Is something else writing there? Try again when nothing does.',
  });

async function isSameContent(a: Buffer, b: Buffer): Promise<boolean> {
  const [left, right] = [createReadStream(a), createReadStream(b)];
  try {
    const others = right[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for await (const chunk of left as AsyncIterable<Buffer>) {
      const other = await others.next();
      if (other.done === true || !chunk.equals(other.value)) return false;
    }
    return (await others.next()).done === true;
  } finally {
    left.destroy();
    right.destroy();
  }
}

async function guarded<T>(op: string, target: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw stepError(error, op, target);
  }
}
