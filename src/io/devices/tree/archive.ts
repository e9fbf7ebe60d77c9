/**
 * Folders as tar, by GNU tar: it knows extended attributes, ACLs, hard links, holes and names that are no UTF-8. It is
 * given the folder as an open descriptor, so that no name leads it elsewhere; it does not follow links itself.
 *
 * What is unpacked is read beside it, entry by entry: names that lead out end everything before they are believed, and
 * an archive without its end is not taken for a whole one.
 */
import { execa } from 'execa';
import { extract, type Header } from 'tar-stream';
import type { Call } from '../call.ts';
import { IoError } from '../error.ts';
import { run } from '../run.ts';
import type { Deadline } from '../volumes/deadline.ts';
import { abortable } from './abortable.ts';
import { inTree, type Place } from './place.ts';

/** What FloatLab itself keeps in a volume. */
const ours = Buffer.from('.floatlab-');
const isOurs = (name: Buffer): boolean => name.subarray(0, ours.length).equals(ours);

const kept = ['--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner'];
const environment = {
  extendEnv: false,
  cwd: '/',
  env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' },
};
const maxWordsBytes = 64 * 1024;

export async function* packTree(
  root: string,
  way: readonly Uint8Array[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  if (signal.aborted) throw cancelled('pack', root);
  // A generator cannot lend the folder to a callback: it is given back when the packing has ended.
  const folder = await open(root, way);
  try {
    const args = ['--create', '--format=posix', '--sparse', ...kept, '--directory', folder.place.self, '--file=-', '.'];
    const tar = execa('tar', args, {
      ...environment,
      buffer: { stdout: false, stderr: true },
      maxBuffer: { stderr: maxWordsBytes },
      encoding: 'buffer',
      stdin: 'ignore',
      reject: false,
      cancelSignal: either,
      forceKillAfterDelay: 2000,
    });
    for await (const chunk of tar.stdout) yield chunk as Uint8Array;
    const { exitCode, stderr, isCanceled } = await tar;
    if (isCanceled) throw cancelled('pack', root);
    // 1: something changed while it was read.
    if (exitCode !== 0 && exitCode !== 1) throw failed('pack', root, Buffer.from(stderr).toString());
  } finally {
    ended.abort();
    await folder.close();
  }
}

async function open(root: string, way: readonly Uint8Array[]) {
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let running: Promise<void> = Promise.resolve();
  const place = await new Promise<Place>((resolve, reject) => {
    running = inTree(root, (top) =>
      top.below(way, async (inner) => {
        resolve(inner);
        await held;
      }),
    );
    running.catch(reject);
  });
  return {
    place,
    close: async () => {
      release();
      await running;
    },
  };
}

export async function unpackTree(
  root: string,
  tar: AsyncIterable<Uint8Array>,
  { signal, progress }: Call,
): Promise<{ readonly files: number; readonly bytes: number }> {
  const counted = await inTree(root, async (top) => {
    const count = { files: 0, bytes: 0 };
    const wrong = new AbortController();
    const program = execa(
      'tar',
      [
        '--extract',
        '--preserve-permissions',
        '--same-owner',
        '--delay-directory-restore',
        ...kept,
        '--directory',
        top.self,
        '--file=-',
      ],
      {
        ...environment,
        maxBuffer: { stderr: maxWordsBytes },
        encoding: 'buffer',
        stdout: 'ignore',
        reject: false,
        cancelSignal: AbortSignal.any([signal, wrong.signal]),
        forceKillAfterDelay: 2000,
      },
    );
    const reader = extract();
    const heads = (async () => {
      for await (const entry of reader) {
        refuseWayOut(entry.header);
        count.files += entry.header.type === 'directory' ? 0 : 1;
        entry.resume();
      }
    })();
    const end = new Tail();
    const fed = (async () => {
      for await (const piece of abortable(tar, signal, () => cancelled('unpack', root))) {
        end.take(piece);
        count.bytes += piece.length;
        progress({ text: 'importing', done: count.bytes });
        // First what it says, then what it does.
        await Promise.race([written(reader, piece), heads]);
        await written(program.stdin, piece);
      }
      reader.end(Buffer.alloc(0));
      await heads;
      if (!end.isEnd) throw notWhole();
      program.stdin.end();
    })();
    let why: unknown;
    try {
      await fed;
    } catch (error) {
      why = error;
      wrong.abort();
      reader.destroy();
      await heads.catch(() => {});
    }
    const { exitCode, stderr, isCanceled } = await program;
    const words = Buffer.from(stderr ?? '').toString();
    // It ended by itself: then writing to it failed because of that.
    if (exitCode !== undefined && exitCode !== 0 && !isCanceled) throw failed('unpack', root, words);
    if (why !== undefined) throw refusalOf(why, root, signal);
    return count;
  });
  const synced = await run('sync', ['--file-system', root], { signal, timeoutMs: 600_000 });
  if (synced.exitCode !== 0) throw failed('sync', root, synced.stderr);
  return counted;
}

export const isEmptyTree = async (top: Place): Promise<boolean> => (await top.names()).every(isOurs);

export async function clearTree(top: Place, within: Deadline): Promise<void> {
  for (const name of await top.names()) {
    within.check();
    await top.removeTree(name);
  }
}

/** @throws IoError INVALID */
function refuseWayOut({ name, linkname, type, pax }: Header): void {
  const more = (pax ?? {}) as Readonly<Record<string, string | undefined>>;
  const names = [name, more['path'], more['GNU.sparse.name'], ...(type === 'link' ? [linkname] : [])];
  for (const one of names) {
    if (one === undefined || one === null) continue;
    if (!one.startsWith('/') && !one.split('/').includes('..')) continue;
    throw new IoError('INVALID', {
      op: 'unpack',
      target: one.slice(0, 200),
      message: `the archive has an entry that leads out of the volume: ${one.slice(0, 200)}`,
      hint: 'Pack it anew from inside of the folder: tar --create --directory FOLDER .',
    });
  }
}

/** Resolves when the stream takes more. Rejects when it is broken. */
function written(stream: NodeJS.WritableStream, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('it ended early'));
    stream.once('error', reject);
    stream.once('close', closed);
    const done = (): void => {
      stream.off('error', reject);
      stream.off('close', closed);
      resolve();
    };
    if (stream.write(piece)) done();
    else stream.once('drain', done);
  });
}

/** An archive ends with two blocks of zeros. */
class Tail {
  #zeros = 0;
  #total = 0;

  take(piece: Uint8Array): void {
    this.#total += piece.length;
    let at = piece.length;
    const least = Math.max(0, piece.length - endBytes);
    while (at > least && piece[at - 1] === 0) at -= 1;
    this.#zeros = piece.length - at + (at === 0 ? this.#zeros : 0);
  }

  get isEnd(): boolean {
    return this.#total >= endBytes && this.#zeros >= endBytes;
  }
}
const endBytes = 1024;

const notWhole = (): IoError =>
  new IoError('INVALID', {
    op: 'unpack',
    target: 'the archive',
    message: 'the archive has no end: it was cut short',
    hint: 'Make it anew, or send all of it.',
  });

const cancelled = (op: string, target: string): IoError =>
  new IoError('ABORTED', { op, target, message: `${op} of ${target} was cancelled` });

function refusalOf(why: unknown, root: string, signal: AbortSignal): unknown {
  if (why instanceof IoError) return why;
  if (signal.aborted) return cancelled('unpack', root);
  const message = why instanceof Error ? why.message : String(why);
  const { code } = why as { readonly code?: unknown };
  // Whoever sends it has a code of its own for why it ends.
  if (typeof code === 'string' && code !== 'EPIPE' && code !== 'ERR_STREAM_PREMATURE_CLOSE') return why;
  return new IoError('INVALID', {
    op: 'unpack',
    target: 'the archive',
    message: `this is no tar archive, or a damaged one: ${message}`,
    hint: 'Send a plain tar. Unpack one that is compressed first, for example with gunzip.',
    cause: why,
  });
}

/** What a program of the system complained about. */
export function failed(op: string, target: string, words: string): IoError {
  const line = words.trim().split('\n').slice(-2).join(' ').slice(0, 400);
  const about = { op, target };
  if (/No space left on device|Disk quota exceeded/.test(words))
    return new IoError('NO_SPACE', {
      ...about,
      message: 'the volume is full',
      hint: 'Make the volume larger or free space on it.',
    });
  if (words.includes('Read-only file system'))
    return new IoError('READ_ONLY', {
      ...about,
      message: 'the file system is read-only',
      hint: 'Look at the pool: it may have met errors.',
    });
  if (/does not look like a tar archive|Unexpected EOF|This does not look|Skipping to next header/.test(words))
    return new IoError('INVALID', {
      ...about,
      message: `this is no whole tar archive: ${line}`,
      hint: 'Send a plain tar, and all of it.',
    });
  return new IoError('FAILED', { ...about, message: `${op} failed: ${line === '' ? 'it said nothing' : line}` });
}
