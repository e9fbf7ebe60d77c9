/** Bytes that come from the lab, into a file of their own or to stdout: all of them, or none that counts. */
import { formatSize } from '#events/values/size.ts';
import { ApiError, UnreachableError } from '#ui/client/errors.ts';
import type { SavedFile } from '#ui/client/rest.ts';
import { open, rename, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Cli } from './cli.ts';
import { CliError, reasonOf, usageError } from './errors.ts';
import { StatusLine } from './output/status-line.ts';
import type { Sink } from './world.ts';

export interface ReceiveOptions {
  /** For people: what it is. */
  readonly what: string;
  readonly quiet: boolean;
  /** Asks for something of the same place: bytes that break off say not why, and the answer to this may. */
  readonly why?: () => Promise<unknown>;
}

/** @param file `-` for stdout @throws CliError EXISTS, CUT_OFF, NOT_WRITTEN */
export async function receiveTo(cli: Cli, file: string, saved: SavedFile, options: ReceiveOptions): Promise<void> {
  const bytes = explained(shown(cli, saved, options.what), options);
  if (file === '-') return toStdout(cli, saved, bytes);
  const path = resolve(cli.world.cwd, file);
  await refuseExisting(path, file);
  const part = `${path}.part`;
  try {
    const written = await writeWhole(part, bytes);
    refuseCutOff(saved, written, 'nothing was kept of it');
    await rename(part, path);
    if (!options.quiet) cli.print.talk(`${file}  ${formatSize(written)}`);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function toStdout({ world }: Cli, saved: SavedFile, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  if (world.stdout.isTTY)
    throw usageError('A terminal shows no such bytes.', 'Send them on: > FILE, or name a file: --file FILE.');
  let size = 0;
  for await (const piece of bytes) {
    size += piece.length;
    await written(world.stdout, piece);
  }
  refuseCutOff(saved, size, 'what was written is not whole');
}

/** Waits while the reader of stdout is behind. */
function written(sink: Sink, piece: Uint8Array): Promise<void> {
  if (sink.write(piece) !== false || !sink.once) return Promise.resolve();
  return new Promise((taken) => sink.once?.('drain', () => taken()));
}

export async function refuseExisting(path: string, file: string): Promise<void> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (!isThere) return;
  throw new CliError('EXISTS', 5, `There is already a file ${file}.`, 'Give another name, or remove it first.');
}

/** For its owner alone, and on the disk once this resolves. @returns bytes */
export async function writeWhole(path: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const cannot = (error: unknown): CliError =>
    new CliError('NOT_WRITTEN', 1, `${path} cannot be written: ${reasonOf(error)}.`, 'Nothing was kept of it.');
  const file = await open(path, 'w', 0o600).catch((error: unknown) => {
    throw cannot(error);
  });
  let size = 0;
  try {
    for await (const piece of pieces) {
      await file.appendFile(piece).catch((error: unknown) => {
        throw cannot(error);
      });
      size += piece.length;
    }
    await file.sync();
    return size;
  } finally {
    await file.close();
  }
}

function refuseCutOff({ sizeBytes }: SavedFile, size: number, rest: string): void {
  if (sizeBytes === undefined || sizeBytes === size) return;
  throw new CliError(
    'CUT_OFF',
    1,
    `The lab sent ${formatSize(size)} of ${formatSize(sizeBytes)}: ${rest}.`,
    'Try again.',
  );
}

/** The same bytes; of those that break off it is told where, and why. */
async function* explained(
  bytes: AsyncIterable<Uint8Array>,
  { what, why }: ReceiveOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  try {
    for await (const piece of bytes) {
      size += piece.length;
      yield piece;
    }
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    const said = await why?.().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    // The one that was asked is away itself.
    if (said instanceof UnreachableError) throw said;
    const { detail, hint } = said instanceof ApiError ? said.problem : { detail: undefined, hint: undefined };
    const reason = detail === undefined ? '' : ` ${detail}`;
    throw new CliError('CUT_OFF', 1, `${what} broke off after ${formatSize(size)}.${reason}`, hint ?? 'Try again.');
  }
}

/** How far it is, on a terminal. */
async function* shown(
  cli: Cli,
  { bytes, sizeBytes }: SavedFile,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* counting(cli, bytes, what, sizeBytes);
}

export async function* counting(
  { world, print }: Cli,
  bytes: AsyncIterable<Uint8Array>,
  what: string,
  total?: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const status = new StatusLine(world, print);
  const of = total === undefined ? '' : ` of ${formatSize(total)}`;
  let size = 0;
  try {
    for await (const piece of bytes) {
      size += piece.length;
      status.show(`${what}  ${formatSize(size)}${of}`);
      yield piece;
    }
  } finally {
    status.end();
  }
}
