/**
 * Objects in a place that another lab lends, over its API (`docs/formats.md`): https with that lab's own authority, known by
 * its fingerprint and no other, and a token that opens this place and nothing else.
 *
 * An object is one request. One that broke off is asked for again, a few times here and then by whoever goes on with the
 * backup: what has arrived is found there, pack by pack.
 */
import { X509Certificate } from 'node:crypto';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { Agent, request as send } from 'undici';
import * as z from 'zod';
import { sleep, type Clock } from '../../clock/port.ts';
import { IoError, ioErrorCodes, type IoErrorCode } from '../../error.ts';
import type { Random } from '../../random/port.ts';
import {
  checkKey,
  checkPrefix,
  checkSize,
  maxObjectBytes,
  noObject,
  storeError,
  type ObjectStore,
  type StoredObject,
} from './port.ts';

export interface LabStoreSettings {
  readonly endpoint: string;
  /** SHA-256 of the authority's certificate, hex. */
  readonly fingerprint: string;
  readonly vault: string;
  readonly token: string;
}

export interface LabStoreParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Default 5. */
  readonly attempts?: number;
  /** Before the second attempt, on average; doubled each time. Default 500 ms. */
  readonly pauseMs?: number;
}

/** Of one request, with its whole body. */
const timeoutMs = 300_000;
const maxAnswerBytes = 64 * 1024;
const maxListBytes = 256 * 1024 * 1024;

const stored = z.object({ key: z.string(), sizeBytes: z.int().min(0), modifiedAt: z.number() });
const putAnswer = z.object({ put: z.enum(['stored', 'exists']) });
const problem = z.object({ detail: z.string(), hint: z.string().optional() });
/** In which the other lab says why, in the words of a store. */
export const ioCodeHeader = 'x-floatlab-io-error';

interface Asked {
  readonly op: string;
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly path: 'object' | 'objects' | 'head';
  readonly query: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly maxBytes?: number;
}

/** @throws IoError PERMISSION when another authority answers there; FAILED, TIMED_OUT when nobody does */
export async function openLabStore(
  { endpoint, fingerprint, vault, token }: LabStoreSettings,
  { clock, random, attempts = 5, pauseMs = 500 }: LabStoreParts,
  signal: AbortSignal,
): Promise<ObjectStore> {
  const where = `${vault} of the lab at ${new URL(endpoint).host}`;
  const ca = await authorityAt(endpoint, fingerprint, where, signal);
  const dispatcher = new Agent({ connect: { ca }, keepAliveTimeout: 10_000, connections: 8 });

  const once = async ({ op, method, path, query, body, maxBytes = maxAnswerBytes }: Asked, callSignal: AbortSignal) => {
    const target = query['key'] ?? query['prefix'] ?? vault;
    if (callSignal.aborted) throw storeError('ABORTED', op, target, `${op} of ${target} was cancelled`);
    const url = new URL(`/api/v1/vaults/${encodeURIComponent(vault)}/${path}`, endpoint);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const answer = await send(url, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body ? { 'content-type': 'application/octet-stream' } : {}),
        },
        ...(body ? { body } : {}),
        signal: AbortSignal.any([callSignal, late]),
        dispatcher,
      });
      const isGood = answer.statusCode < 300;
      const bytes = await limited(answer.body, isGood ? maxBytes : maxAnswerBytes, op, target);
      if (isGood) return bytes;
      throw refusal(op, target, where, answer.statusCode, answer.headers[ioCodeHeader], bytes);
    } catch (error) {
      if (error instanceof IoError) throw error;
      if (callSignal.aborted)
        throw storeError('ABORTED', op, target, `${op} of ${target} was cancelled`, undefined, error);
      if (late.aborted) throw storeError('TIMED_OUT', op, target, `${where} did not ${op} ${target} in time`);
      throw unreachable(op, target, where, error);
    }
  };
  const call = async (asked: Asked, callSignal: AbortSignal): Promise<Buffer> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(asked, callSignal);
      } catch (error) {
        const mayPass = error instanceof IoError && ['FAILED', 'TIMED_OUT', 'BUSY'].includes(error.code);
        if (!mayPass || attempt >= attempts) throw error;
      }
      // Full jitter: several who failed together do not come back together.
      await sleep(clock, Math.min(30_000, pauseMs * 2 ** attempt) * random.next(), callSignal);
    }
  };
  const headOf = async (key: string, callSignal: AbortSignal): Promise<StoredObject | undefined> => {
    const bytes = await call({ op: 'head', method: 'GET', path: 'head', query: { key } }, callSignal);
    return stored.nullable().parse(JSON.parse(bytes.toString())) ?? undefined;
  };

  return {
    where,
    put: async (key, bytes, callSignal) => {
      checkKey('put', key);
      checkSize('put', key, bytes.length);
      const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const asked: Asked = { op: 'put', method: 'PUT', path: 'object', query: { key }, body };
      const { put } = putAnswer.parse(JSON.parse((await call(asked, callSignal)).toString()));
      // It says that it has it: looked at once more, as every store does.
      const found = put === 'stored' ? await headOf(key, callSignal) : undefined;
      if (put === 'stored' && found?.sizeBytes !== bytes.length)
        throw storeError('DAMAGED', 'put', key, `${key} in ${where} is not what was sent`, 'Look at that lab.');
      return put;
    },
    get: async (key, callSignal, range) => {
      checkKey('get', key);
      const query = { key, ...(range ? { from: String(range.from), to: String(range.to) } : {}) };
      const maxBytes = range ? range.to - range.from : maxObjectBytes;
      const asked: Asked = { op: 'get', method: 'GET', path: 'object', query, maxBytes };
      return call(asked, callSignal).catch((error: unknown) => {
        if (error instanceof IoError && error.code === 'MISSING') throw noObject(where, key, error);
        throw error;
      });
    },
    head: (key, callSignal) => {
      checkKey('head', key);
      return headOf(key, callSignal);
    },
    list: async function* (prefix, callSignal): AsyncGenerator<StoredObject> {
      checkPrefix(prefix);
      const asked: Asked = { op: 'list', method: 'GET', path: 'objects', query: { prefix }, maxBytes: maxListBytes };
      const lines = (await call(asked, callSignal)).toString().split('\n');
      // A list that broke off is no list: its last line says how long it is.
      const end = z.object({ objects: z.int() }).safeParse(JSON.parse(lines.at(-2) ?? 'null'));
      if (!end.success || end.data.objects !== lines.length - 2)
        throw storeError('FAILED', 'list', prefix, `${where} told only a part of what is in ${prefix || 'it'}`);
      for (const line of lines.slice(0, -2)) yield stored.parse(JSON.parse(line));
    },
    delete: async (key, callSignal) => {
      checkKey('delete', key);
      await call({ op: 'delete', method: 'DELETE', path: 'object', query: { key } }, callSignal);
    },
  };
}

/** Looks at what the server presents, and sends nothing. @returns the authority's certificate, PEM */
function authorityAt(endpoint: string, fingerprint: string, where: string, signal: AbortSignal): Promise<string> {
  const { hostname, port } = new URL(endpoint);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const servername = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
    const socket = connect({ host, port: port === '' ? 443 : Number(port), ...servername, rejectUnauthorized: false });
    const end = (error: IoError | undefined, pem = ''): void => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      if (error) reject(error);
      else resolve(pem);
    };
    const abort = (): void => end(storeError('ABORTED', 'open', where, `opening ${where} was cancelled`));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    socket.setTimeout(10_000, () => end(storeError('TIMED_OUT', 'open', where, `${where} does not answer`)));
    socket.on('error', (error) => end(unreachable('open', where, where, error)));
    socket.on('secureConnect', () => {
      const found = chainOf(socket.getPeerCertificate(true)).find(
        (raw) => new X509Certificate(raw).fingerprint256.replaceAll(':', '').toLowerCase() === fingerprint,
      );
      if (found) return end(undefined, new X509Certificate(found).toString());
      const message = `the server at ${endpoint} has another authority than the lab that lends ${where}`;
      const hint = 'Somebody may be in between. Compare the fingerprint there, and add the target anew if it is right.';
      end(storeError('PERMISSION', 'open', where, message, hint));
    });
  });
}

function chainOf(leaf: DetailedPeerCertificate): readonly Buffer[] {
  const chain: Buffer[] = [];
  let next: DetailedPeerCertificate | undefined = leaf;
  while (next?.raw && chain.length < 10 && !chain.some((raw) => raw.equals(next?.raw as Buffer))) {
    chain.push(next.raw);
    next = next.issuerCertificate as DetailedPeerCertificate | undefined;
  }
  return chain;
}

function refusal(
  op: string,
  target: string,
  where: string,
  status: number,
  code: string | string[] | undefined,
  bytes: Buffer,
): IoError {
  const said = problem.safeParse(parsed(bytes)).data;
  const message = `cannot ${op} ${target} in ${where}: ${said?.detail ?? `it answered ${status}`}`;
  const known = typeof code === 'string' && Object.hasOwn(ioErrorCodes, code) ? (code as IoErrorCode) : undefined;
  return storeError(known ?? ofStatus(status), op, target, message, said?.hint);
}

function ofStatus(status: number): IoErrorCode {
  if (status === 401 || status === 403) return 'PERMISSION';
  if (status === 400) return 'INVALID';
  return 'FAILED';
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

const unreachable = (op: string, target: string, where: string, error: unknown): IoError => {
  const why = error instanceof Error ? error.message : String(error);
  const hint = 'Look at that lab, and at the network.';
  return storeError('FAILED', op, target, `${where} cannot be reached to ${op} ${target}: ${why}`, hint, error);
};

async function limited(pieces: AsyncIterable<Uint8Array>, most: number, op: string, target: string): Promise<Buffer> {
  const all: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    if (length > most) throw storeError('INVALID', op, target, `more comes than ${target} may have`);
    all.push(piece);
  }
  return Buffer.concat(all);
}
