/**
 * Reads a lab's snapshot from one end to the other and checks every byte of it: the checksums of all parts, the chain of
 * hashes of the history, that the parts are those that belong there, and all of them. Keeps no more than one piece in
 * memory, beside the folded lab. Whoever restores it gets the parts on the way.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import type { Lab } from '#actors/lab.ts';
import { errnoOf } from '../devices/files/errors.ts';
import { IoError } from '../devices/error.ts';
import {
  about,
  aboutPart,
  anyFormat,
  checksumsPart,
  format,
  kindOfPart,
  mostBytesOf,
  parseChecksums,
  recoveryPart,
  type About,
  type PartKind,
} from './format.ts';
import { ReadHistory, type SegmentTaker } from './read-history.ts';

export interface Found {
  readonly sizeBytes: number;
  /** Undefined where the file does not even get so far. */
  readonly about: About | undefined;
  /** The lab as it was; undefined where the history is damaged. */
  readonly lab: Lab | undefined;
  readonly sealedKeys: Uint8Array | undefined;
  /** Addresses. */
  readonly blobs: readonly string[];
  /** Nothing: the file is whole, and as it was written. */
  readonly problems: readonly { readonly part: string; readonly explain: string }[];
}

/** Takes the bytes of one part. */
export interface PartSink {
  write(piece: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export interface ReadOptions {
  /** Where a part goes, if it is wanted. Its bytes are what they should be only when `problems` has nothing at the end. */
  readonly sink?: (part: PartKind) => Promise<PartSink | undefined>;
  readonly signal?: AbortSignal;
}

/** @throws IoError MISSING, INVALID for what is no such file, TOO_NEW in words; an error of a sink */
export async function readSnapshot(path: string, options: ReadOptions = {}): Promise<Found> {
  const sizeBytes = await sizeOf(path);
  const reading = new Reading(path, options);
  const source = createReadStream(path, { highWaterMark: 1024 * 1024 });
  const entries = extract();
  const feeding = pipeline(source, entries);
  feeding.catch(() => {});
  try {
    for await (const entry of entries) {
      options.signal?.throwIfAborted();
      await reading.part(entry.header.name, entry.header.type === 'file', entry as AsyncIterable<Uint8Array>);
      entry.resume();
    }
    await feeding;
  } catch (error) {
    if (reading.failure) throw reading.failure.error;
    options.signal?.throwIfAborted();
    // The tar itself, or the disk below it.
    reading.breakOff(error instanceof Error ? error.message : String(error));
  } finally {
    source.destroy();
    entries.destroy();
  }
  return { sizeBytes, ...reading.finish() };
}

class Reading {
  readonly #path: string;
  readonly #options: ReadOptions;
  readonly #history = new ReadHistory();
  readonly #problems: { part: string; explain: string }[] = [];
  readonly #sums = new Map<string, string>();
  readonly #blobs: string[] = [];
  #about: About | undefined;
  #sealedKeys: Uint8Array | undefined;
  #last = '';
  #isEnded = false;
  /** What a check or a sink has thrown: it means more than what the tar makes of it. */
  failure: { readonly error: unknown } | undefined;

  constructor(path: string, options: ReadOptions) {
    this.#path = path;
    this.#options = options;
  }

  async part(name: string, isFile: boolean, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const kind = kindOfPart(name);
    if (this.#last === '' && kind?.kind !== 'about') return this.#own(() => Promise.reject(notOurs(this.#path)));
    if (this.#isEnded || this.#sums.has(name) || !isFile || name === '') {
      return this.#wrong(name, 'It does not belong there.');
    }
    this.#last = name;
    const sink = kind && (await this.#own(async () => this.#options.sink?.(kind)));
    try {
      await this.#read(name, kind, pieces, sink);
    } finally {
      await this.#own(async () => sink?.close());
    }
  }

  async #read(
    name: string,
    kind: PartKind | undefined,
    pieces: AsyncIterable<Uint8Array>,
    sink: PartSink | undefined,
  ): Promise<void> {
    const hash = createHash('sha256');
    const taker = this.#taker(kind);
    const small: Uint8Array[] = [];
    let smallBytes = 0;
    const mostBytes = kind && !taker && kind.kind !== 'blob' ? mostBytesOf(kind.kind, this.#sums.size) : 0;
    for await (const piece of pieces) {
      hash.update(piece);
      await this.#own(async () => {
        taker?.take(piece);
        await sink?.write(piece);
      });
      smallBytes += piece.length;
      if (smallBytes <= mostBytes) small.push(piece);
    }
    if (kind?.kind !== 'checksums') this.#sums.set(name, hash.digest('hex'));
    await this.#own(async () => this.#end(name, kind, Buffer.concat(small), taker));
  }

  async #own<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.failure ??= { error };
      throw error;
    }
  }

  #taker(kind: PartKind | undefined): SegmentTaker | undefined {
    if (kind?.kind === 'segment') return this.#history.sealed(kind.first);
    return kind?.kind === 'open' ? this.#history.open(kind.first) : undefined;
  }

  #end(name: string, kind: PartKind | undefined, bytes: Uint8Array, taker: SegmentTaker | undefined): void {
    switch (kind?.kind) {
      case 'about':
        this.#about = this.#parseAbout(bytes);
        return;
      case 'manifest': {
        const problem = this.#history.manifest(bytes);
        if (problem !== undefined) this.#wrong(name, problem);
        return;
      }
      case 'segment':
      case 'open': {
        const problem = taker ? taker.end() : 'It is none of those that the manifest names.';
        if (problem !== undefined) this.#wrong(name, problem);
        return;
      }
      case 'recovery':
        this.#sealedKeys = bytes;
        return;
      case 'blob':
        this.#blobs.push(kind.ref);
        return;
      case 'checksums':
        this.#compare(bytes);
        return;
      case undefined:
        // Something of a later version of the same format: its checksum counts all the same.
        return;
    }
  }

  #parseAbout(bytes: Uint8Array): About | undefined {
    let said: unknown;
    try {
      said = JSON.parse(Buffer.from(bytes).toString('utf8'));
    } catch {
      this.#wrong(aboutPart, 'It cannot be read.');
      return undefined;
    }
    const any = anyFormat.safeParse(said);
    if (any.success && any.data.format > format) throw tooNew(this.#path, any.data);
    const parsed = about.safeParse(said);
    if (!parsed.success) this.#wrong(aboutPart, `It does not say what it should: ${parsed.error.issues[0]?.message}.`);
    return parsed.data;
  }

  #compare(bytes: Uint8Array): void {
    this.#isEnded = true;
    const said = parseChecksums(Buffer.from(bytes).toString('utf8'));
    if (!said) return this.#wrong(checksumsPart, 'It cannot be read.');
    for (const [name, sum] of this.#sums) {
      if (!said.has(name)) this.#wrong(name, `${checksumsPart} does not name it.`);
      else if (said.get(name) !== sum) this.#wrong(name, 'Its checksum does not match: some byte of it was changed.');
    }
    for (const name of said.keys()) if (!this.#sums.has(name)) this.#wrong(name, 'It is missing.');
  }

  /** Of one part the first thing that is wrong says where; the rest follows from it. */
  #wrong(part: string, explain: string): void {
    if (!this.#problems.some((problem) => problem.part === part)) this.#problems.push({ part, explain });
  }

  breakOff(why: string): void {
    this.#problems.push({ part: '', explain: `The file is damaged or cut off in or behind ${this.#last}: ${why}.` });
  }

  finish(): Omit<Found, 'sizeBytes'> {
    if (this.#last === '') throw notOurs(this.#path);
    const isCut = this.#problems.some(({ part }) => part === '');
    if (!this.#isEnded && !isCut) this.breakOff('its end is missing');
    const { lab, last, hash } = this.#history;
    const said = this.#about;
    if (this.#isEnded && !this.#sealedKeys) this.#wrong(recoveryPart, 'It is missing.');
    if (said && lab && (last !== said.entry || hash !== said.hash || lab.index !== said.index)) {
      this.#wrong(aboutPart, `It speaks of event ${said.index}; the history in the file ends at event ${lab.index}.`);
    }
    return {
      about: said,
      lab,
      sealedKeys: this.#sealedKeys,
      blobs: this.#blobs,
      problems: this.#problems,
    };
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (found.isFile()) return found.size;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  throw new IoError('MISSING', {
    op: 'read',
    target: path,
    message: `there is no file ${path}`,
    hint: 'Name a file that "floatlab cluster snapshot save FILE" has written.',
  });
}

const notOurs = (path: string): IoError =>
  new IoError('INVALID', {
    op: 'read',
    target: path,
    message: `${path} is not the snapshot of a lab`,
    hint: 'Name a file that "floatlab cluster snapshot save FILE" has written, as it is: not packed or unpacked.',
  });

const tooNew = (path: string, { format: other, version }: { format: number; version: string }): IoError =>
  new IoError('INVALID', {
    op: 'read',
    target: path,
    message: `${path} has format ${other}, written by FloatLab ${version}; this version knows up to ${format}`,
    hint: 'Install the version of FloatLab that has written it, or a later one.',
  });
