/**
 * Reads a file of frames (`frame.ts`) from pieces of any size, as they come from a disk or from a peer, and hands out the
 * intact frames until something is wrong.
 *
 *   head │ frame │ frame │ half of a frame
 *   └──── taken ─────────┘ └── kept back ─┘
 *                        ▲ offset
 *
 * Keeps no more than one frame in memory. What is before `offset` is hashed; `rewind` goes back to there, and what comes
 * next may be something else.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Broken } from './broken.ts';
import {
  bodyBytesAt,
  bufferOf,
  contentKind,
  crcAt,
  endKind,
  frameAt,
  frameHeadBytes,
  kindAt,
  maxBodyBytes,
  numberAt,
  readHead,
  type FileKind,
  type Frame,
} from './frame.ts';

export interface Expected {
  /** For messages. */
  readonly file: string;
  readonly kind: FileKind;
  /** Of the whole file, if that is known. */
  readonly sizeBytes?: number;
  /** Looks at the body of the head. @returns the number of the first frame, or what is wrong, as half a sentence */
  readonly accept: (head: Uint8Array) => number | string;
}

export class FrameReader {
  readonly #expected: Expected;
  readonly #hash = createHash('sha256');
  #seed: number | undefined;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  /** What must be there before it is worth looking again. */
  #neededBytes = 0;
  #offset = 0;
  #number = 0;
  #broken: Broken | undefined;
  #end: { readonly frame: Frame; readonly sha256: string } | undefined;

  constructor(expected: Expected) {
    this.#expected = expected;
  }

  /** Up to here everything was intact, in bytes. */
  get offset(): number {
    return this.#offset;
  }

  /** Of what was given and not yet taken: the beginning of a frame. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Of the frame that should come next. */
  get number(): number {
    return this.#number;
  }

  get hasHead(): boolean {
    return this.#seed !== undefined;
  }

  get broken(): Broken | undefined {
    return this.#broken;
  }

  /** The end of the file, and the SHA-256 of all before it. */
  get end(): { readonly frame: Frame; readonly sha256: string } | undefined {
    return this.#end;
  }

  /** Of all up to `offset`, hexadecimal. */
  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  /**
   * @returns the frames that are complete now, without the end; their bodies are views of the piece
   * @throws LogError TOO_NEW
   */
  take(piece: Uint8Array): readonly Frame[] {
    const frames: Frame[] = [];
    this.check(piece, frames);
    return frames;
  }

  /** The same for who only wants to know whether it is right. @param into what `take` returns @throws LogError TOO_NEW */
  check(piece: Uint8Array, into?: Frame[]): void {
    if (this.#broken || piece.length === 0) return;
    this.#kept.push(piece);
    this.#keptBytes += piece.length;
    if (this.#keptBytes < this.#neededBytes) return;
    const bytes = this.#kept.length === 1 ? bufferOf(piece) : Buffer.concat(this.#kept);
    const begin = this.#takeHead(bytes);
    const taken = begin === undefined ? 0 : this.#takeFrames(bytes, begin, into);
    this.#kept = taken < bytes.length ? [bytes.subarray(taken)] : [];
    this.#keptBytes = bytes.length - taken;
  }

  /** There is nothing more. @returns what is wrong, if anything is */
  finish(): Broken | undefined {
    if (!this.#broken && !this.#end) this.#break('it is cut off there');
    return this.#broken;
  }

  /** Forgets what came after `offset`. */
  rewind(): void {
    this.#kept = [];
    this.#keptBytes = 0;
    this.#neededBytes = 0;
    this.#broken = undefined;
  }

  /** @returns where the first frame begins in these bytes; undefined while that cannot be told */
  #takeHead(bytes: Buffer): number | undefined {
    if (this.#seed !== undefined) return 0;
    const head = readHead(this.#expected.kind, bytes);
    if (typeof head === 'number') this.#neededBytes = head;
    else if (!head) this.#break(`it does not begin like ${this.#expected.kind.what}`);
    else {
      const first = this.#expected.accept(head.body);
      if (typeof first === 'string') this.#break(first);
      else {
        this.#number = first;
        this.#seed = head.seed;
        this.#hash.update(bytes.subarray(0, head.sizeBytes));
        this.#offset = head.sizeBytes;
        return head.sizeBytes;
      }
    }
    return undefined;
  }

  /** @returns up to where the bytes are taken */
  #takeFrames(bytes: Buffer, begin: number, into: Frame[] | undefined): number {
    const start = this.#offset - begin;
    let at = begin;
    while (!this.#end) {
      this.#offset = start + at;
      const size = this.#sizeAt(bytes, at);
      if (size === undefined || !this.#isIntact(bytes, at)) break;
      if (kindAt(bytes, at) === endKind) {
        this.#hash.update(bytes.subarray(begin, at));
        // It may be kept for long, and the bytes around it are many.
        const frame = frameAt(bytes, at, this.#offset);
        this.#end = { frame: { ...frame, body: Uint8Array.from(frame.body) }, sha256: this.sha256 };
        begin = at;
      } else into?.push(frameAt(bytes, at, this.#offset));
      this.#number++;
      at += size;
    }
    this.#hash.update(bytes.subarray(begin, at));
    this.#offset = start + at;
    if (this.#end) {
      this.#neededBytes = 0;
      if (at < bytes.length) this.#break('something follows after its end');
    }
    return at;
  }

  #isIntact(bytes: Buffer, at: number): boolean {
    const kind = kindAt(bytes, at);
    const number = numberAt(bytes, at);
    if (crcAt(bytes, at, this.#seed as number) !== bytes.readUInt32LE(at)) this.#break('its checksum does not match');
    else if (kind !== contentKind && kind !== endKind) this.#break('what stands there is of no known kind');
    else if (number !== this.#number) this.#break(`number ${number} stands there instead of ${this.#number}`);
    return !this.#broken;
  }

  /** Of the frame at `at`, in bytes; undefined when not all of it is there. */
  #sizeAt(bytes: Buffer, at: number): number | undefined {
    const left = bytes.length - at;
    this.#neededBytes = frameHeadBytes;
    if (left < frameHeadBytes) return undefined;
    const bodyBytes = bodyBytesAt(bytes, at);
    const size = frameHeadBytes + bodyBytes;
    const { sizeBytes = Number.MAX_SAFE_INTEGER } = this.#expected;
    if (bodyBytes > maxBodyBytes || this.#offset + size > sizeBytes) {
      this.#break('the length of what stands there cannot be');
      return undefined;
    }
    this.#neededBytes = size;
    return left < size ? undefined : size;
  }

  #break(explain: string): void {
    this.#broken ??= { file: this.#expected.file, offset: this.#offset, explain };
  }
}
