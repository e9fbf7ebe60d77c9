/**
 * Requests to one bucket: signed (AWS Signature Version 4), each within a time, repeated with growing pauses and jitter
 * where that may help. Every request that is repeated may have been carried out before: callers know.
 */
import { AwsV4Signer } from 'aws4fetch';
import { request as send, type Dispatcher } from 'undici';
import { createHash } from 'node:crypto';
import { sleep, type Clock } from '../../../clock/port.ts';
import { IoError } from '../../../error.ts';
import type { Random } from '../../../random/port.ts';
import { checkSize, storeError } from '../port.ts';
import { isPassing, s3Error, type Answer } from './errors.ts';
import { bucketUrl, type S3Settings } from './settings.ts';
import { maxXmlBytes } from './xml.ts';

export interface ClientOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Of one attempt, with its whole body. Default 5 minutes. */
  readonly timeoutMs?: number;
  /** Default 5. */
  readonly attempts?: number;
  /** Before the second attempt, on average; doubled each time. Default 500 ms. */
  readonly pauseMs?: number;
  /** For tests and for authorities of one's own. */
  readonly dispatcher?: Dispatcher;
}

export interface S3Request {
  /** For messages: `put`. */
  readonly op: string;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** In the bucket; undefined: the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Answers besides 2xx that are none of an error. */
  readonly expected?: readonly number[];
  /** A body that is kept as bytes may have so many; others are text. */
  readonly maxBytes?: number;
}

export interface S3Response {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly bytes: Uint8Array;
  /** Attempts before this one: they may have been carried out. */
  readonly repeated: number;
}

export class S3Client {
  readonly #settings: S3Settings;
  readonly #options: ClientOptions;
  readonly #url: string;
  readonly where: string;

  constructor(settings: S3Settings, options: ClientOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#url = bucketUrl(settings);
    this.where = `s3://${settings.bucket}${settings.prefix === '' ? '' : `/${settings.prefix}`} at ${new URL(settings.endpoint).host}`;
  }

  /** @throws IoError */
  async call(request: S3Request, signal: AbortSignal): Promise<S3Response> {
    const { attempts = 5, pauseMs = 500, clock, random } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await this.#once(request, signal, attempt - 1);
        if (isGood(response.status, request)) return response;
        const answer = answerOf(response);
        if (attempt >= attempts || !isPassing(answer))
          throw s3Error(request.op, request.key ?? 'the bucket', this.where, answer, clock.now());
      } catch (error) {
        const mayPass = error instanceof IoError && (error.code === 'TIMED_OUT' || isUnreachable(error));
        if (attempt >= attempts || !mayPass) throw error;
      }
      // Full jitter: several who failed together do not come back together.
      await sleep(clock, Math.min(30_000, pauseMs * 2 ** attempt) * random.next(), signal);
    }
  }

  async #once(request: S3Request, signal: AbortSignal, repeated: number): Promise<S3Response> {
    const { op, method, key, headers = {}, body, maxBytes = maxXmlBytes } = request;
    const target = key ?? 'the bucket';
    if (signal.aborted) throw storeError('ABORTED', op, target, `${op} of ${target} was cancelled`);
    const { timeoutMs = 300_000, dispatcher } = this.#options;
    const signed = await this.#signed(request);
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const response = await send(signed.url, {
        method,
        headers: { ...headers, ...signed.headers },
        ...(body ? { body } : {}),
        signal: AbortSignal.any([signal, late]),
        ...(dispatcher ? { dispatcher } : {}),
      });
      const found = new Map(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
      const bytes = await limited(response.body, response.statusCode < 300 ? maxBytes : maxXmlBytes, op, target);
      return { status: response.statusCode, headers: found, bytes, repeated };
    } catch (error) {
      if (error instanceof IoError) throw error;
      if (signal.aborted) throw storeError('ABORTED', op, target, `${op} of ${target} was cancelled`, undefined, error);
      if (late.aborted)
        throw storeError('TIMED_OUT', op, target, `${this.where} did not ${op} ${target} in ${timeoutMs / 1000} s`);
      const why = error instanceof Error ? error.message : String(error);
      const hint = 'Look at the endpoint and the network.';
      throw storeError('FAILED', op, target, `${this.where} cannot be reached to ${op} ${target}: ${why}`, hint, error);
    }
  }

  async #signed({ method, key, query = {}, headers = {}, body }: S3Request) {
    const { prefix, region, accessKeyId, secretAccessKey, sessionToken } = this.#settings;
    const url = new URL(this.#url);
    if (key !== undefined)
      url.pathname = [url.pathname === '/' ? '' : url.pathname, prefix, key]
        .filter((part, at) => at === 0 || part !== '')
        .join('/');
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      // The store compares what arrives with what is signed here.
      headers: {
        ...headers,
        'x-amz-content-sha256': createHash('sha256')
          .update(body ?? '')
          .digest('hex'),
      },
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: 's3',
      region,
      datetime: new Date(this.#options.clock.now()).toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
    });
    const signed = await signer.sign();
    return { url: signed.url, headers: Object.fromEntries(signed.headers.entries()) };
  }
}

const isGood = (status: number, { expected = [] }: S3Request): boolean =>
  (status >= 200 && status < 300) || expected.includes(status);

/** An answer there was none: the request may have been carried out. */
const isUnreachable = ({ code, cause }: IoError): boolean => code === 'FAILED' && cause !== undefined;

const answerOf = ({ status, headers, bytes }: S3Response): Answer => {
  const date = Date.parse(headers.get('date') ?? '');
  return { status, date: Number.isNaN(date) ? undefined : date, body: Buffer.from(bytes).toString('utf8') };
};

async function limited(body: AsyncIterable<Uint8Array>, most: number, op: string, target: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    length += piece.length;
    checkSize(op, target, length);
    if (length > most)
      throw storeError('INVALID', op, target, `the answer to ${op} ${target} has more than ${most} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
