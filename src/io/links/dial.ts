/**
 * Makes one link to one node, or says why not. The server is checked as strictly as the client: the pinned key of the
 * node that is wanted, issued by the lab's own authority, before a word is said.
 */
import { once } from 'node:events';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import type { Clock } from '../devices/clock/port.ts';
import { hostPort, type Address } from './address.ts';
import { judgeCertificate } from './credentials.ts';
import { linkCode, LinkError, type Refusal } from './errors.ts';
import { helloOf, judgeHello, maxHelloBytes, no, packAnswer, parseAnswer } from './hello.ts';
import type { LinkIdentity, Peer } from './identity.ts';
import { SocketLink, socketOptions, type Link } from './link.ts';
import { linkPath } from './server.ts';
import type { Purpose } from './purpose.ts';

/** The node that is wanted: what the lab knows of it. */
export interface Expected {
  readonly node: string;
  /** SHA-256 of its public key (SPKI), hex. */
  readonly keySha256: string;
  readonly incarnation?: string;
}

export interface DialOptions {
  readonly address: Address;
  readonly expect: Expected;
  readonly purpose: Purpose;
  readonly identity: LinkIdentity;
  /** Of all steps together; 5,000 by default. */
  readonly timeoutMs?: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** @throws LinkError: UNREACHABLE, TIMED_OUT, ABORTED, or why one of the two refused (`isTheirs`: the other one) */
export async function dial(options: DialOptions): Promise<Link> {
  const { address, clock, signal, timeoutMs = 5000 } = options;
  const place = `node ${options.expect.node} at ${hostPort(address)}`;
  const stop = new AbortController();
  const abort = (): void => stop.abort(new LinkError(no('ABORTED', `the link to ${place} is not wanted any more`, '')));
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  const timer = clock.setTimeout(() => {
    const hint = 'Is the machine up, and is the node port open between the two?';
    stop.abort(new LinkError(no('TIMED_OUT', `${place} did not answer within ${timeoutMs} ms`, hint)));
  }, timeoutMs);
  try {
    const socket = await connectTls(options, place, stop.signal);
    return await shakeHands(socket, options, place, stop.signal);
  } finally {
    clock.clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

async function connectTls(options: DialOptions, place: string, signal: AbortSignal): Promise<TLSSocket> {
  const { address, expect, identity, purpose, clock } = options;
  const { certificate, caCert } = identity;
  const socket = await openTls(
    address,
    { cert: `${certificate.cert.trim()}\n${caCert.trim()}\n`, key: certificate.key },
    place,
    signal,
  );
  const proven = judgeCertificate({
    certificate: socket.getPeerX509Certificate(),
    caCert,
    admission: (node) => (node === expect.node ? expect : undefined),
    purpose,
    nowMs: clock.now(),
  });
  if ('code' in proven) {
    socket.destroy();
    const refusal =
      proven.code === 'NOT_ADMITTED'
        ? no('WRONG_NODE', 'another node of the lab answers there', 'Addresses have moved: it is looked for elsewhere.')
        : proven;
    throw new LinkError({ ...refusal, explain: `${place}: ${refusal.explain}` });
  }
  return socket;
}

/** A connection whose certificate nobody has judged yet. @throws LinkError UNREACHABLE, or the reason of the signal */
export async function openTls(
  { host, port }: Address,
  own: Pick<ConnectionOptions, 'cert' | 'key'>,
  place: string,
  signal: AbortSignal,
): Promise<TLSSocket> {
  signal.throwIfAborted();
  const socket = connect({
    ...own,
    host,
    port,
    // By name nobody is known here: the certificate is judged by its key.
    servername: '',
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
  });
  const destroy = (): void => void socket.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  try {
    await once(socket, 'secureConnect', { signal });
    return socket;
  } catch (error) {
    destroy();
    signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    const hint = 'Is the machine up, does the daemon run there, and is the node port open between the two?';
    throw new LinkError(no('UNREACHABLE', `cannot reach ${place}: ${why}`, hint), false, error);
  } finally {
    signal.removeEventListener('abort', destroy);
  }
}

function shakeHands(socket: TLSSocket, options: DialOptions, place: string, signal: AbortSignal): Promise<Link> {
  const { identity, purpose, expect, clock } = options;
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://node${linkPath}${purpose}`, {
      ...socketOptions(purpose),
      createConnection: () => socket,
      // Masks protect proxies from what pages of browsers send; within TLS there are none.
      generateMask: () => undefined,
    });
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', aborted);
      ws.removeAllListeners();
      ws.on('error', () => undefined);
      ws.terminate();
      socket.destroy();
      reject(error instanceof LinkError ? error : broken(place, error));
    };
    const refused = (refusal: Refusal, isTheirs: boolean): void =>
      fail(new LinkError({ ...refusal, explain: `${place}: ${refusal.explain}` }, isTheirs));
    const aborted = (): void => fail(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });

    ws.on('error', fail);
    ws.on('close', (code, reason) => fail(new Error(`it hung up (${reason.toString('utf8') || code})`)));
    ws.on('unexpected-response', (_request, response) => {
      void refusalIn(response).then((refusal) => refused(refusal, true), fail);
    });
    ws.on('open', () => ws.send(packAnswer({ hello: helloOf(identity, purpose) })));
    ws.on('message', (data, isBinary) => {
      const said = isBinary ? parseAnswer(data as Buffer) : undefined;
      if (!said) return refused(no('BAD_HELLO', 'it sent something else than a hello', 'Upgrade both nodes.'), false);
      if ('refusal' in said) return refused(said.refusal, true);
      const peer = judge(identity, expect, said.hello, purpose);
      if ('code' in peer) return refused(peer, false);
      signal.removeEventListener('abort', aborted);
      // Made at once, so that it hears what came in the same packet.
      resolve(new SocketLink({ ws, peer, purpose, remoteAddress: options.address.host, clock }));
    });
  });
}

function judge(
  us: LinkIdentity,
  expect: Expected,
  hello: Parameters<typeof judgeHello>[1],
  purpose: Purpose,
): Peer | Refusal {
  const peer = judgeHello(us, hello, purpose);
  if ('code' in peer) return peer;
  if (peer.node !== expect.node) {
    return no(
      'WRONG_NODE',
      `it has the key of node ${expect.node}, and says that it is ${peer.node}`,
      'Restart that node.',
    );
  }
  if (expect.incarnation !== undefined && peer.incarnation !== expect.incarnation) {
    return no(
      'WRONG_INCARNATION',
      `node ${peer.node} has another disk than the one that the lab knows`,
      'If its disk was lost or restored, let it join anew with a token.',
    );
  }
  return peer;
}

/** What the server says instead of taking the upgrade. */
async function refusalIn(
  response: AsyncIterable<Buffer> & { readonly statusCode?: number | undefined },
): Promise<Refusal> {
  let text = '';
  for await (const chunk of response) {
    text += chunk.toString('utf8');
    if (text.length > maxHelloBytes) break;
  }
  try {
    const said = JSON.parse(text) as { readonly code?: unknown; readonly explain?: unknown; readonly hint?: unknown };
    const part = (it: unknown): string => (typeof it === 'string' ? it.slice(0, 1000) : '');
    return no(linkCode(part(said.code)), part(said.explain), part(said.hint));
  } catch {
    return no('FAILED', `it answered ${response.statusCode ?? 'nothing'}: no node port?`, 'Check the port.');
  }
}

const broken = (place: string, error: unknown): LinkError => {
  const why = error instanceof Error ? error.message : String(error);
  const hint = 'It is tried again by itself; the log of the other node may say more.';
  return new LinkError(no('UNREACHABLE', `the connection to ${place} broke off: ${why}`, hint), false, error);
};
