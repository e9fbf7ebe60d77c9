/**
 * Objects in a bucket that speaks S3: Amazon's, MinIO, Garage, Ceph, and others.
 *
 * Put if absent is asked of the store (`If-None-Match: *`), and looked for before, because older ones pass over that.
 * What was stored is checked by its ETag, which is an MD5 in most stores (of MD5s, for what went in parts); where it is
 * something else (encryption at the store), by reading the object back.
 */
import { createHash } from 'node:crypto';
import { IoError } from '../../../error.ts';
import {
  checkKey,
  checkPrefix,
  checkSize,
  maxObjectBytes,
  noObject,
  noRange,
  storeError,
  type ByteRange,
  type ObjectStore,
  type StoredObject,
} from '../port.ts';
import { S3Client, type ClientOptions, type S3Response } from './client.ts';
import { s3Settings, type S3Settings } from './settings.ts';
import { parseError, parseETag, parseList, parseUploadId } from './xml.ts';

export interface S3Options extends ClientOptions {
  /** Larger objects go in parts of this size. At least 5 MiB, by the rules of S3. Default 16 MiB. */
  readonly partBytes?: number;
}

const minPartBytes = 5 * 1024 * 1024;
const notThere = { 'if-none-match': '*' };

/** @throws IoError INVALID for settings that cannot be right */
export function openS3Store(settings: S3Settings, options: S3Options): ObjectStore {
  const parsed = s3Settings.safeParse(settings);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const message = `the settings of the S3 store are wrong: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
    throw storeError('INVALID', 'open', 'the S3 store', message, 'Correct them.');
  }
  return new S3Store(parsed.data, options);
}

class S3Store implements ObjectStore {
  readonly #client: S3Client;
  readonly #prefix: string;
  readonly #partBytes: number;

  constructor(settings: S3Settings, options: S3Options) {
    this.#client = new S3Client(settings, options);
    this.#prefix = settings.prefix === '' ? '' : `${settings.prefix}/`;
    this.#partBytes = Math.max(minPartBytes, options.partBytes ?? 16 * 1024 * 1024);
  }

  get where(): string {
    return this.#client.where;
  }

  async put(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<'stored' | 'exists'> {
    checkKey('put', key);
    checkSize('put', key, bytes.length);
    if (await this.head(key, signal)) return 'exists';
    const etag =
      bytes.length > this.#partBytes
        ? await this.#putParts(key, bytes, signal)
        : await this.#putWhole(key, bytes, signal);
    // Somebody else was faster; or it was this one, whose answer got lost.
    if (etag === undefined) return (await this.#isSame(key, bytes, signal)) ? 'stored' : 'exists';
    await this.#checkStored(key, bytes, etag, signal);
    return 'stored';
  }

  async get(key: string, signal: AbortSignal, range?: ByteRange): Promise<Uint8Array> {
    checkKey('get', key);
    const response = await this.#client.call(
      {
        op: 'get',
        method: 'GET',
        key,
        ...(range ? { headers: { range: `bytes=${range.from}-${range.to - 1}` } } : {}),
        expected: [404, 416],
        maxBytes: range ? range.to - range.from : maxObjectBytes,
      },
      signal,
    );
    if (response.status === 404) throw this.#notFound(key, response);
    if (response.status === 416) {
      if (range && range.from > 0) throw noRange(this.where, key, range);
      // Of an empty object every range is behind its end.
      return new Uint8Array();
    }
    return response.bytes;
  }

  async head(key: string, signal: AbortSignal): Promise<StoredObject | undefined> {
    checkKey('head', key);
    return (await this.#look(key, signal))?.object;
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<StoredObject> {
    checkPrefix(prefix);
    let token: string | undefined;
    do {
      const query = {
        'list-type': '2',
        prefix: `${this.#prefix}${prefix}`,
        ...(token === undefined ? {} : { 'continuation-token': token }),
      };
      const { bytes } = await this.#client.call({ op: 'list', method: 'GET', query }, signal);
      const page = parseList(Buffer.from(bytes).toString('utf8'));
      if (!page || page.next === (token ?? '')) throw this.#strange('list', prefix, 'its list cannot be read');
      for (const { key, ...facts } of page.objects) {
        if (!key.startsWith(this.#prefix)) throw this.#strange('list', prefix, 'its list has keys of elsewhere');
        yield { key: key.slice(this.#prefix.length), ...facts };
      }
      token = page.next;
    } while (token !== undefined);
  }

  async delete(key: string, signal: AbortSignal): Promise<void> {
    checkKey('delete', key);
    const response = await this.#client.call({ op: 'delete', method: 'DELETE', key, expected: [404] }, signal);
    if (response.status === 404) this.#unlessBucketIsThere(response);
  }

  /** @returns the ETag to expect; undefined when something is there already */
  async #putWhole(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<string | undefined> {
    const response = await this.#client.call(
      {
        op: 'put',
        method: 'PUT',
        key,
        body: bytes,
        headers: { ...notThere, 'content-md5': md5(bytes).toString('base64') },
        expected: [412],
      },
      signal,
    );
    return response.status === 412 ? undefined : `"${md5(bytes).toString('hex')}"`;
  }

  async #putParts(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<string | undefined> {
    const begun = await this.#client.call({ op: 'put', method: 'POST', key, query: { uploads: '' } }, signal);
    const uploadId = parseUploadId(textOf(begun));
    if (uploadId === undefined) throw this.#strange('put', key, 'it named no upload');
    try {
      const sums: Buffer[] = [];
      const parts: string[] = [];
      for (let from = 0; from < bytes.length; from += this.#partBytes) {
        const part = bytes.subarray(from, from + this.#partBytes);
        const sum = md5(part);
        const query = { partNumber: String(sums.push(sum)), uploadId };
        const headers = { 'content-md5': sum.toString('base64') };
        const done = await this.#client.call({ op: 'put', method: 'PUT', key, query, headers, body: part }, signal);
        const etag = done.headers.get('etag');
        if (etag === undefined) throw this.#strange('put', key, 'it named no checksum of a part');
        parts.push(
          `<Part><PartNumber>${sums.length}</PartNumber><ETag>${etag.replaceAll('"', '&quot;')}</ETag></Part>`,
        );
      }
      const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
      const query = { uploadId };
      const end = await this.#client.call(
        { op: 'put', method: 'POST', key, query, body, headers: notThere, expected: [404, 412] },
        signal,
      );
      // An answer that got lost is asked for again, when there is no such upload any more.
      if (end.status === 412 || (end.status === 404 && end.repeated > 0)) return undefined;
      // Answers of this kind begin before it is known how they end: 200 with an error in it.
      const { code, message } = parseError(textOf(end));
      if (end.status === 404 || code !== undefined || parseETag(textOf(end)) === undefined)
        throw this.#strange(
          'put',
          key,
          `it did not put the parts together: ${[code, message].filter(Boolean).join(', ')}`,
        );
      return `"${md5(Buffer.concat(sums)).toString('hex')}-${sums.length}"`;
    } catch (error) {
      // Parts without a whole take room, and no list shows them.
      await this.#client
        .call(
          { op: 'abort', method: 'DELETE', key, query: { uploadId }, expected: [404] },
          new AbortController().signal,
        )
        .catch(() => undefined);
      throw error;
    }
  }

  async #checkStored(key: string, bytes: Uint8Array, etag: string, signal: AbortSignal): Promise<void> {
    const found = await this.#look(key, signal);
    // Some stores take the MD5 of the whole also for what went in parts.
    const isKnown = found?.etag === etag || found?.etag === `"${md5(bytes).toString('hex')}"`;
    if (found?.object.sizeBytes === bytes.length && isKnown) return;
    const isOpaque = found?.object.sizeBytes === bytes.length && !/^"[0-9a-f]{32}"$/.test(found.etag);
    if (isOpaque && (await this.#isSame(key, bytes, signal))) return;
    const message = `${this.where} said that it stored ${key}, and has ${found ? 'something else' : 'nothing'} there`;
    throw storeError('DAMAGED', 'put', key, message, 'Try again; if it happens twice, take another store.');
  }

  async #isSame(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<boolean> {
    try {
      return Buffer.from(await this.get(key, signal)).equals(bytes);
    } catch (error) {
      if (error instanceof IoError && error.code === 'MISSING') return false;
      throw error;
    }
  }

  async #look(key: string, signal: AbortSignal) {
    const response = await this.#client.call({ op: 'head', method: 'HEAD', key, expected: [404] }, signal);
    if (response.status === 404) return undefined;
    const sizeBytes = Number(response.headers.get('content-length') ?? Number.NaN);
    const modifiedAt = Date.parse(response.headers.get('last-modified') ?? '');
    if (!Number.isSafeInteger(sizeBytes) || Number.isNaN(modifiedAt))
      throw this.#strange('head', key, 'it does not tell its size and time');
    return { object: { key, sizeBytes, modifiedAt }, etag: response.headers.get('etag') ?? '' };
  }

  #notFound(key: string, response: S3Response): IoError {
    this.#unlessBucketIsThere(response);
    return noObject(this.where, key);
  }

  /** @throws IoError MISSING for a bucket that is not there, which is something else than an object that is not */
  #unlessBucketIsThere(response: S3Response): void {
    if (parseError(textOf(response)).code !== 'NoSuchBucket') return;
    throw storeError(
      'MISSING',
      'open',
      this.where,
      `there is no such bucket: ${this.where}`,
      'Make the bucket, or correct its name.',
    );
  }

  #strange(op: string, target: string, why: string): IoError {
    return storeError('FAILED', op, target, `${this.where} answers what no S3 does: ${why}`, 'Is that an S3 store?');
  }
}

const md5 = (bytes: Uint8Array): Buffer => createHash('md5').update(bytes).digest();
const textOf = ({ bytes }: S3Response): string => Buffer.from(bytes).toString('utf8');
