/**
 * Asks a lab to be let in, with nothing but a token: at each of its addresses in turn, until one says yes or no.
 *
 * The lab proves itself first. Its server must send the certificate of its authority along; that must have the
 * fingerprint in the token, and must have issued the server's own. Only then the secret of the token leaves this machine.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { request } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../devices/clock/port.ts';
import { isIssuedBy } from '../pki/node-identity.ts';
import { parseHostPort, type Address } from './address.ts';
import { openTls } from './dial.ts';
import { LinkError } from './errors.ts';
import type { JoinToken } from './token.ts';

export class JoinError extends Error {
  /**
   * UNREACHABLE (nobody answered), WRONG_PORT (something answered that takes no machines in), WRONG_CA (somebody
   * answered, and it is not that lab), LOST (the answer did not come:
   * asking again with the same key and token is right), ABORTED, or what the lab said.
   */
  readonly code: string;
  /** What a person can do about it. */
  readonly hint: string;
  /** The lab has decided. */
  readonly isRefusal: boolean;

  constructor(code: string, explain: string, hint: string, isRefusal = false) {
    super(explain);
    this.name = 'JoinError';
    this.code = code;
    this.hint = hint;
    this.isRefusal = isRefusal;
  }
}

/** Where a lab is and how it proves itself; with a token's secret, or without: then a person has to say yes. */
export type LabToJoin = Pick<JoinToken, 'addresses' | 'caSha256'> & Partial<Pick<JoinToken, 'id' | 'secret'>>;

export interface JoinRequest {
  readonly token: LabToJoin;
  /** Certificate request, PEM. */
  readonly csr: string;
  /** What else the lab wants to know: name, addresses, facts. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For one address; 10,000 by default. */
  readonly timeoutMs?: number;
}

/** Whoever does not take a connection by then is away, or a firewall swallows it: the next address is tried. */
const connectMs = 4000;

const joinPath = '/join';
const maxAnswerBytes = 4 * 1024 * 1024;

/** @returns what the lab answered: JSON, to be parsed. @throws JoinError */
export async function requestJoin(options: JoinRequest): Promise<unknown> {
  const { token, signal } = options;
  const failures: JoinError[] = [];
  for (const text of token.addresses) {
    const address = parseHostPort(text);
    if (!address) continue;
    try {
      return await askOne(options, address, text);
    } catch (error) {
      const failure = asJoinError(error, text);
      if (signal.aborted) throw new JoinError('ABORTED', 'joining was given up', '');
      if (failure.isRefusal) throw failure;
      failures.push(failure);
    }
  }
  throw worst(failures, token.addresses);
}

async function askOne(options: JoinRequest, address: Address, place: string): Promise<unknown> {
  const { token, csr, body, clock, timeoutMs = 10_000 } = options;
  const stop = new AbortController();
  const abort = (): void => stop.abort(new JoinError('UNREACHABLE', `${place} did not answer in time`, reachHint));
  const timer = clock.setTimeout(abort, timeoutMs);
  options.signal.addEventListener('abort', abort, { once: true });
  if (options.signal.aborted) abort();
  try {
    const socket = await connected(options, address, place, stop.signal);
    const found = authorityShown(socket);
    const { id, secret } = token;
    if (found !== token.caSha256) {
      socket.destroy();
      throw wrongLab(place, token, found);
    }
    const shown = secret ? { id, secret: Buffer.from(secret).toString('base64url') } : null;
    const asked = JSON.stringify({ ...body, token: shown, csr });
    return await post(socket, asked, place, stop.signal);
  } finally {
    clock.clearTimeout(timer);
    options.signal.removeEventListener('abort', abort);
  }
}

async function connected(
  { clock }: JoinRequest,
  address: Address,
  place: string,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const slow = new AbortController();
  const timer = clock.setTimeout(() => {
    slow.abort(new JoinError('UNREACHABLE', `${place} took no connection within ${connectMs / 1000} s`, reachHint));
  }, connectMs);
  try {
    return await openTls(address, {}, place, AbortSignal.any([signal, slow.signal]));
  } catch (error) {
    // It answers, and in something else than TLS.
    if (isNoTls(error)) throw wrongPort(place);
    throw error;
  } finally {
    clock.clearTimeout(timer);
  }
}

const isNoTls = (error: unknown): boolean => {
  const { code } = ((error as { readonly cause?: unknown }).cause ?? {}) as { readonly code?: unknown };
  return code === 'EPROTO' || String(code).startsWith('ERR_SSL_');
};

/** SHA-256 of the authority that the server shows and that has issued its certificate; undefined: it shows none. */
function authorityShown(socket: TLSSocket): string | undefined {
  const own = socket.getPeerCertificate(true);
  // Its type says that they are always there; without a certificate or a chain they are not.
  const [raw, caRaw] = [own.raw as Buffer | undefined, own.issuerCertificate?.raw as Buffer | undefined];
  if (!raw || !caRaw || !isIssuedBy(new X509Certificate(raw), new X509Certificate(caRaw))) return undefined;
  return createHash('sha256').update(caRaw).digest('hex');
}

function post(socket: TLSSocket, body: string, place: string, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const broken = (why: string): void => {
      socket.destroy();
      const hint = 'Try again with the same token: the lab knows this machine by its key if it was let in already.';
      reject(new JoinError('LOST', `the answer of ${place} did not arrive: ${why}`, hint));
    };
    const aborted = (): void => broken('it took too long');
    signal.addEventListener('abort', aborted, { once: true });
    const asking = request(
      {
        createConnection: () => socket,
        method: 'POST',
        path: joinPath,
        headers: { host: 'lab', 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        textOf(response)
          .then((text) => {
            socket.destroy();
            const status = response.statusCode ?? 0;
            if (status >= 200 && status < 300) resolve(JSON.parse(text));
            else reject(refusal(status, text, place));
          })
          .catch((error: unknown) => broken(error instanceof Error ? error.message : String(error)))
          .finally(() => signal.removeEventListener('abort', aborted));
      },
    );
    asking.on('error', (error) => broken(error.message));
    asking.end(body);
  });
}

async function textOf(response: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw new Error('it is far too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A node that cannot decide (status 5xx) is no refusal: another one may; nor is one that is asked too often (429). */
function refusal(status: number, text: string, place: string): JoinError {
  let said: { readonly code?: unknown; readonly explain?: unknown; readonly hint?: unknown } = {};
  try {
    said = (JSON.parse(text) ?? {}) as typeof said;
  } catch {
    // Of no use; the status says it.
  }
  const { code, explain, hint } = said;
  // A lab that decides has words for it; a server that knows no such question is another one, or another port.
  if (status === 404 || (status >= 400 && status < 500 && typeof explain !== 'string')) return wrongPort(place);
  return new JoinError(
    typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : 'FAILED',
    typeof explain === 'string' ? explain.slice(0, 4000) : `${place} answered ${status}`,
    typeof hint === 'string' ? hint.slice(0, 1000) : 'The log of that node says more.',
    status < 500 && status !== 429,
  );
}

const reachHint = 'Are the machines of the lab up, and is their node port open for this one?';

const wrongPort = (place: string): JoinError =>
  new JoinError(
    'WRONG_PORT',
    `${place} answers, and is not a port at which machines join`,
    'Machines join at the port between nodes: 7401, unless --node-listen says another one. 7400 is for people, 7402 for ' +
      'consensus. A token of "floatlab node token" knows the right one.',
  );

function wrongLab(place: string, { caSha256, secret }: LabToJoin, found: string | undefined): JoinError {
  const wanted = secret === undefined ? '--fingerprint' : 'the token';
  if (found === undefined) {
    return new JoinError(
      'WRONG_CA',
      `${place} shows no certificate of a lab, and ${wanted} says ${caSha256}`,
      'Something else listens there: check address and port (7401, unless --node-listen says another one).',
    );
  }
  return new JoinError(
    'WRONG_CA',
    `${place} belongs to another lab than ${wanted}: its authority has the fingerprint ${found}, and ${wanted} says ${caSha256}`,
    secret === undefined
      ? 'Compare it with the "authority" that floatlab cluster status shows on a node of the right lab. If that is the ' +
          'one above, say it with --fingerprint; if not, the address is of another lab.'
      : 'There may be two labs on this network, or that address has moved: make a new token on a node of the right lab.',
  );
}

function asJoinError(error: unknown, place: string): JoinError {
  if (error instanceof JoinError) return error;
  if (error instanceof LinkError) return new JoinError('UNREACHABLE', error.message, reachHint);
  return new JoinError('FAILED', `${place}: ${error instanceof Error ? error.message : String(error)}`, reachHint);
}

/** What tells a person most. */
function worst(failures: readonly JoinError[], addresses: readonly string[]): JoinError {
  const telling =
    failures.find(({ code }) => code === 'WRONG_CA' || code === 'WRONG_PORT') ??
    failures.find(({ code }) => code !== 'UNREACHABLE');
  if (telling) return telling;
  const each = failures.map(({ message }) => message).join('; ');
  return new JoinError('UNREACHABLE', `nobody answers at ${addresses.join(', ')}: ${each}`, reachHint);
}
