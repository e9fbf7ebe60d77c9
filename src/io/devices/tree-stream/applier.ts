/**
 * Does to a folder what the records of a stream say, one by one, and nothing outside of it: each record names an entry of
 * the folder where we are, which is open (`open-folder.ts`), and folders are entered one name at a time, never over a
 * link or into another file system. Whatever the stream says, no path leads out.
 *
 * Names come in the order of their bytes, each once (or removed, then made): a record that is repeated, or at the wrong
 * place, does not fit. What is done cannot be undone here; whoever receives works on a copy.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { errnoOf } from '../files/errors.ts';
import type { Kind, Metadata } from './metadata.ts';
import { kindOf, modeOf } from './metadata.ts';
import type { OpenFolder } from './open-folder.ts';
import { here } from './open-folder.ts';
import { blockBytes } from './records.ts';
import type { TreeRecord } from './records.ts';
import { readable } from './refusals.ts';
import { removeBelow } from './remove-below.ts';
import type { Side } from './side.ts';

/** A stream that does not fit what is there, or is none: half a sentence. */
class Misfit extends Error {}

interface Level {
  readonly folder: OpenFolder;
  /** The last name that was spoken of. */
  last: Buffer | undefined;
  isLastRemoved: boolean;
}

interface OpenFile {
  readonly name: Buffer;
  readonly fd: number;
  readonly sizeBytes: number;
  readonly isNew: boolean;
  nextBlock: number;
}

const makeFile = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
const changeFile = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export class Applier {
  readonly #side: Side;
  readonly #device: bigint;
  readonly #rest: () => Promise<void> | undefined;
  readonly #levels: Level[];
  #file: OpenFile | undefined;
  /** Fifos and such are made by the process beside us, a little later. */
  #areSpecialsDue = false;

  constructor(side: Side, rest: () => Promise<void> | undefined) {
    this.#side = side;
    this.#rest = rest;
    this.#device = side.top.stats().dev;
    this.#levels = [{ folder: side.top, last: undefined, isLastRemoved: false }];
  }

  /** All that was begun has an end. */
  get isDone(): boolean {
    return this.#levels.length === 0;
  }

  /** @returns a promise where it has to wait @throws Misfit, or the error of the system */
  apply(record: TreeRecord): Promise<void> | undefined {
    if (record.kind === 'block' || record.kind === 'hole' || record.kind === 'end') return this.#content(record);
    if (this.#file) throw new Misfit('has a file without an end');
    const level = this.#levels.at(-1);
    if (!level) throw new Misfit('goes on after its last folder');
    switch (record.kind) {
      case 'enter':
        this.#next(level, record.name);
        this.#kind(level, record.name, 'folder');
        return this.#into(level, record.name);
      case 'make':
        this.#free(level, record.name);
        mkdirSync(level.folder.at(record.name), 0o700);
        return this.#into(level, record.name);
      case 'leave':
        return this.#leave(level, record.metadata);
      case 'remove': {
        this.#next(level, record.name);
        if (!level.folder.look(record.name)) throw new Misfit(`removes ${readable(record.name)}, which is not there`);
        level.isLastRemoved = true;
        return removeBelow(level.folder, record.name, this.#device, this.#rest);
      }
      case 'file':
        this.#free(level, record.name);
        this.#open(record, openSync(level.folder.at(record.name), makeFile, 0o600), true);
        return undefined;
      case 'change':
        this.#next(level, record.name);
        this.#kind(level, record.name, 'file');
        this.#open(record, openSync(level.folder.at(record.name), changeFile), false);
        return undefined;
      case 'metadata': {
        const kind = kindOf(modeOf(record.metadata));
        this.#next(level, record.name);
        if (kind === undefined || kind === 'folder') throw new Misfit('has metadata of no file');
        this.#kind(level, record.name, kind);
        this.#side.calls.apply(record.name, record.metadata);
        return undefined;
      }
      case 'link':
        this.#free(level, record.name);
        this.#mode(record.metadata, 'link');
        if (record.target.length === 0 || record.target.includes(0)) throw new Misfit('has a link to nowhere');
        symlinkSync(record.target, level.folder.at(record.name));
        this.#side.calls.apply(record.name, record.metadata);
        return undefined;
      case 'special':
        this.#free(level, record.name);
        this.#mode(record.metadata, 'special');
        if (level.folder.look(record.name)) throw new Misfit(`makes ${readable(record.name)}, which is there already`);
        this.#side.calls.makeSpecial(record.name, modeOf(record.metadata), record.device);
        this.#areSpecialsDue = true;
        this.#side.calls.apply(record.name, record.metadata);
        return undefined;
      case 'hardLink':
        return this.#hardLink(level, record.name, record.path);
    }
  }

  /** Gives back what is open, of a stream that broke off too. The top stays. */
  close(): void {
    if (this.#file) closeSync(this.#file.fd);
    this.#file = undefined;
    for (const { folder } of this.#levels.splice(0).slice(1)) folder.close();
  }

  #into(level: Level, name: Buffer): undefined {
    const folder = level.folder.enter(name);
    this.#levels.push({ folder, last: undefined, isLastRemoved: false });
    if (folder.stats().dev !== this.#device)
      throw new Misfit(`leads into ${readable(name)}, where another file system is mounted`);
    this.#side.calls.enter(name);
  }

  #leave(level: Level, metadata: Metadata | undefined): undefined {
    if (metadata) {
      this.#mode(metadata, 'folder');
      this.#side.calls.apply(here, metadata);
    }
    this.#levels.pop();
    if (this.#levels.length === 0) return;
    this.#side.calls.leave();
    level.folder.close();
  }

  #open({ name, sizeBytes }: { name: Buffer; sizeBytes: number }, fd: number, isNew: boolean): void {
    this.#file = { name, fd, sizeBytes, isNew, nextBlock: 0 };
    if (isNew) return;
    if (!fstatSync(fd).isFile()) throw new Misfit(`changes ${readable(name)}, which is no file`);
    ftruncateSync(fd, sizeBytes);
  }

  #content(record: TreeRecord & { kind: 'block' | 'hole' | 'end' }): undefined {
    const file = this.#file;
    if (!file) throw new Misfit('has content of no file');
    if (record.kind === 'end') {
      this.#mode(record.metadata, 'file');
      // A new one that does not end with a block ends with zeros.
      if (file.isNew && file.nextBlock * blockBytes < file.sizeBytes) ftruncateSync(file.fd, file.sizeBytes);
      this.#file = undefined;
      closeSync(file.fd);
      this.#side.calls.apply(file.name, record.metadata);
      return;
    }
    const { index } = record;
    const count = record.kind === 'hole' ? record.count : 1;
    const from = index * blockBytes;
    if (index < file.nextBlock || count < 1 || from >= file.sizeBytes)
      throw new Misfit('has a block at the wrong place');
    file.nextBlock = index + count;
    const left = Math.min(count * blockBytes, file.sizeBytes - from);
    if (record.kind === 'hole') {
      if (file.isNew) throw new Misfit('has a hole in a new file, which is all holes');
      this.#side.calls.punch(file.name, from, left);
      return;
    }
    if (record.bytes.length !== left) throw new Misfit('has a block of the wrong size');
    for (let at = 0; at < left;) at += writeSync(file.fd, record.bytes, at, left - at, from + at);
  }

  async #hardLink(level: Level, name: Buffer, path: readonly Buffer[]): Promise<void> {
    this.#free(level, name);
    if (this.#areSpecialsDue) await this.#side.calls.done();
    this.#areSpecialsDue = false;
    const shown = path.map(readable).join('/');
    const opened: OpenFolder[] = [];
    try {
      let folder = this.#side.top;
      for (const step of path.slice(0, -1)) {
        if (!folder.look(step)?.isDirectory()) throw new Misfit(`links to ${shown}, which is not there`);
        folder = folder.enter(step);
        opened.push(folder);
        if (folder.stats().dev !== this.#device) throw new Misfit(`links to ${shown}, which is somewhere else`);
      }
      const found = folder.look(path.at(-1) as Buffer);
      if (!found || found.isDirectory()) throw new Misfit(`links to ${shown}, which is no file`);
      linkSync(folder.at(path.at(-1) as Buffer), level.folder.at(name));
    } finally {
      for (const folder of opened) folder.close();
    }
  }

  /** The next name of this folder that is spoken of. */
  #next(level: Level, name: Buffer): void {
    if (level.last && Buffer.compare(level.last, name) >= 0) throw new Misfit('has names in the wrong order');
    level.last = Buffer.from(name);
    level.isLastRemoved = false;
  }

  /** The same, of one that is to be made: the call that makes it says whether the name is free. */
  #free(level: Level, name: Buffer): void {
    if (level.isLastRemoved && level.last?.equals(name)) level.isLastRemoved = false;
    else this.#next(level, name);
  }

  #kind(level: Level, name: Buffer, kind: Kind): void {
    const found = level.folder.look(name);
    if (!found || kindOf(Number(found.mode)) !== kind)
      throw new Misfit(`needs ${readable(name)}, a ${kind} that is not there`);
  }

  #mode(metadata: Metadata, kind: Kind): void {
    if (kindOf(modeOf(metadata)) !== kind) throw new Misfit(`has metadata of something else than a ${kind}`);
  }
}

/** What the kernel says when the tree is not as the stream believes it to be. */
export const isMisfit = (error: unknown): boolean =>
  error instanceof Misfit || ['EEXIST', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO'].includes(errnoOf(error) ?? '');
