/**
 * What Node cannot ask of the kernel, asked of a process beside it (`kernel-program.ts`), which is always in the folder
 * where its user is. Requests go out in batches and are carried out in order; only questions are answered, so that a
 * hundred thousand files cost a hundred thousand lines, not as many round trips.
 */
import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { IoError } from '../error.ts';
import { kernelProgram } from './kernel-program.ts';
import { errnoError, treeError } from './refusals.ts';

/** Where a file has data, in bytes: from, up to. What is between is a hole. */
export interface Extent {
  readonly from: number;
  readonly to: number;
}

/** Gathered before they are sent. */
const batchBytes = 64 * 1024;
/** On their way before their user has to wait. */
const waitingBytes = 1024 * 1024;
const headBytes = 5;
const answerHeadBytes = 8;
const noBody = Buffer.alloc(0);

interface Question {
  readonly resolve: (answer: Buffer) => void;
  readonly reject: (error: Error) => void;
}

export class KernelCalls {
  /** For messages. */
  readonly #target: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #batch: Buffer[] = [];
  #batchBytes = 0;
  #questions: Question[] = [];
  #answer: Buffer[] = [];
  #answerBytes = 0;
  #said = '';
  #error: Error | undefined;
  readonly #ended: Promise<void>;

  /** @param fd of the folder where it begins @throws IoError UNSUPPORTED */
  constructor(fd: number, target: string) {
    this.#target = target;
    const args = kernelProgram(process.arch);
    if (!args)
      throw new IoError('UNSUPPORTED', {
        op: 'open tree',
        target,
        message: `${target}: on a processor of the kind ${process.arch} FloatLab cannot read all that a file has`,
        hint: 'Use a machine with x86-64 or arm64.',
      });
    this.#child = spawn('perl', args, {
      cwd: `/proc/self/fd/${fd}`,
      env: { PATH: `${process.env['PATH'] ?? ''}:/usr/local/bin:/usr/bin:/bin`, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#child.stderr.on('data', (bytes: Buffer) => (this.#said = (this.#said + bytes.toString()).slice(0, 2000)));
    // It ends when the program has: that says more.
    this.#child.stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#fail(
          new IoError('FAILED', {
            op: 'perl',
            target,
            message: `the program perl could not be started: ${error.message}`,
            hint: 'Install perl (the package perl-base).',
            cause: error,
          }),
        );
        resolve();
      });
      this.#child.once('close', (code, signal) => {
        this.#fail(
          new IoError('FAILED', {
            op: 'perl',
            target,
            message: `the program for ${target} has ended (${signal ?? code}): ${this.#said.trim() || 'it said nothing'}`,
          }),
        );
        resolve();
      });
    });
  }

  /** Into a folder of the one where it is, which must not be a link. */
  enter(name: Uint8Array): void {
    this.#send('P', bufferOf(name));
  }

  leave(): void {
    this.#send('U', noBody);
  }

  /** Extended attributes and access lists of files, in the order of their names, packed as in a stream. */
  async attributes(names: readonly Buffer[]): Promise<readonly Buffer[]> {
    if (names.length === 0) return [];
    const answer = await this.#ask('X', Buffer.concat(names.map(withLength)));
    const found: Buffer[] = [];
    for (let at = 0; at < answer.length;) {
      const end = at + 4 + answer.readUInt32LE(at);
      found.push(answer.subarray(at + 4, end));
      at = end;
    }
    return found;
  }

  /** The next places of a file from this byte on where it has data, some thousands at most; none when there are no more. */
  async extents(name: Buffer, from: number): Promise<readonly Extent[]> {
    const body = Buffer.concat([withLength(name), Buffer.alloc(8)]);
    body.writeBigUInt64LE(BigInt(from), body.length - 8);
    const answer = await this.#ask('E', body);
    const found: Extent[] = [];
    for (let at = 0; at + 16 <= answer.length; at += 16)
      found.push({ from: Number(answer.readBigUInt64LE(at)), to: Number(answer.readBigUInt64LE(at + 8)) });
    return found;
  }

  /** Gives a file its owner, mode, attributes and time. @param metadata as in a stream */
  apply(name: Uint8Array, metadata: { readonly fixed: Buffer; readonly attributes: Buffer }): void {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(metadata.attributes.length);
    this.#send('A', Buffer.concat([withLength(name), metadata.fixed, length, metadata.attributes]));
  }

  /** A fifo, socket or device. */
  makeSpecial(name: Uint8Array, mode: number, device: { readonly major: number; readonly minor: number }): void {
    const numbers = Buffer.allocUnsafe(12);
    numbers.writeUInt32LE(mode, 0);
    numbers.writeUInt32LE(device.major, 4);
    numbers.writeUInt32LE(device.minor, 8);
    this.#send('N', Buffer.concat([withLength(name), numbers]));
  }

  /** Lets a part of a file be zeros that take no room. */
  punch(name: Uint8Array, from: number, bytes: number): void {
    const numbers = Buffer.allocUnsafe(16);
    numbers.writeBigUInt64LE(BigInt(from), 0);
    numbers.writeBigUInt64LE(BigInt(bytes), 8);
    this.#send('H', Buffer.concat([withLength(name), numbers]));
  }

  /** All that it was asked to do is done. */
  async done(): Promise<void> {
    await this.#ask('B', noBody);
  }

  /** And is on the disk, with everything else on that file system. */
  async flushed(): Promise<void> {
    await this.#ask('S', noBody);
  }

  /** Resolves when it is worth asking for more. @throws what an earlier request came to */
  async ready(): Promise<void> {
    if (this.#error) throw this.#error;
    if (this.#child.stdin.writableLength > waitingBytes) await this.done();
  }

  /** Ends it, whatever it is at. */
  async close(): Promise<void> {
    this.#error ??= new Error('it was closed');
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #ask(op: string, body: Buffer): Promise<Buffer> {
    if (this.#error) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#questions.push({ resolve, reject });
      this.#send(op, body);
      this.#sendBatch();
    });
  }

  #send(op: string, body: Buffer): void {
    const head = Buffer.allocUnsafe(headBytes);
    head.write(op, 0, 'latin1');
    head.writeUInt32LE(body.length, 1);
    this.#batch.push(head, body);
    this.#batchBytes += headBytes + body.length;
    if (this.#batchBytes >= batchBytes) this.#sendBatch();
  }

  #sendBatch(): void {
    if (!this.#error) this.#child.stdin.write(Buffer.concat(this.#batch));
    this.#batch = [];
    this.#batchBytes = 0;
  }

  #take(bytes: Buffer): void {
    this.#answer.push(bytes);
    this.#answerBytes += bytes.length;
    if (this.#answerBytes < answerHeadBytes) return;
    const all = Buffer.concat(this.#answer);
    let at = 0;
    while (all.length - at >= answerHeadBytes) {
      const errno = all.readUInt32LE(at);
      const end = at + answerHeadBytes + all.readUInt32LE(at + 4);
      if (end > all.length) break;
      const body = all.subarray(at + answerHeadBytes, end);
      at = end;
      if (errno === 0) this.#questions.shift()?.resolve(body);
      else this.#fail(treeError('call', this.#target, errnoError(errno, body.toString())));
    }
    this.#answer = [all.subarray(at)];
    this.#answerBytes = all.length - at;
  }

  #fail(error: Error): void {
    this.#error ??= error;
    for (const { reject } of this.#questions.splice(0)) reject(this.#error);
  }
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** @param name 1 to 255 bytes */
function withLength(name: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + name.length);
  bytes[0] = name.length;
  bytes.set(name, 1);
  return bytes;
}
