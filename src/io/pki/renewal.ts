/**
 * Renews the certificate of this node while it runs: at a moment of its own in the second half of the validity, and
 * then again and again until it has a new one. One that has run out is no obstacle, and neither is none at all: the key
 * stays the same, and it is the key that the lab knows.
 *
 * Clocks jump, and machines sleep: so it looks every few hours what time it is, instead of waiting for months. And some
 * are wrong: a certificate is taken only when it lasts longer than the present one, and where the one that was taken is
 * not good by this machine's clock all the same, the next one is asked for as after a failure, less and less often.
 */
import { X509Certificate } from 'node:crypto';
import { backoffMs } from '../agent/backoff.ts';
import type { Clock, Timer } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import { isPair, type KeyPair } from './ca.ts';
import { makeRequest, renewAt } from './node-certificate.ts';
import { isIssuedBy, nodeOf } from './node-identity.ts';
import { readNodeCertificate, writeNodeCertificate } from './node-files.ts';

const lookEveryMs = 6 * 60 * 60 * 1000;
const patience = { baseMs: 10_000, maxMs: 10 * 60 * 1000 };

export interface RenewalOptions {
  /** `<data>/tls` */
  readonly dir: string;
  readonly node: string;
  /** PEM of its private key. */
  readonly key: string;
  /** PEM of the lab's authority, as it is at that moment. */
  caCert(): string;
  /** Asks the lab. @returns the certificate in PEM */
  renew(wish: Wish, signal: AbortSignal): Promise<string>;
  /** There is a new one: hand it to servers and dialers. */
  onRenewed(renewed: KeyPair): void;
  onFailed(error: unknown, againInMs: number): void;
  readonly clock: Clock;
  readonly random: Pick<Random, 'next'>;
}

/** What is asked of whoever signs. */
export interface Wish {
  readonly csr: string;
  /** Why this certificate, in PEM, is of no use, as a sentence: somebody else may have a better one. */
  problemOf(cert: string): string | undefined;
}

/** @returns the way out */
export function keepNodeCertificate(options: RenewalOptions): () => void {
  const { dir, key, clock, random } = options;
  const stop = new AbortController();
  let timer: Timer | undefined;
  /** Drawn once for each certificate. */
  let due: { readonly cert: string; readonly atMs: number } | undefined;
  let failures = 0;

  const dueInMs = async (): Promise<number> => {
    const present = await readNodeCertificate(dir, key);
    if (!present || lastsUntil(present.cert, options) === 0) return 0;
    if (due?.cert !== present.cert) due = { cert: present.cert, atMs: renewAt(present.cert, random.next()) };
    return Math.max(0, due.atMs - clock.now());
  };

  const look = async (): Promise<void> => {
    let waitMs = await dueInMs();
    if (waitMs === 0) {
      try {
        await renewNow(options, stop.signal);
        waitMs = await dueInMs();
        if (waitMs === 0 && !stop.signal.aborted) throw new Error(clocksDiffer);
        failures = 0;
      } catch (error) {
        if (stop.signal.aborted) return;
        failures += 1;
        waitMs = backoffMs(patience, failures, random.next());
        options.onFailed(error, waitMs);
      }
    }
    if (!stop.signal.aborted) wait(Math.min(waitMs, lookEveryMs));
  };
  const wait = (ms: number): void => {
    timer = clock.setTimeout(() => void look(), ms);
  };
  void look();
  return () => {
    stop.abort();
    if (timer) clock.clearTimeout(timer);
  };
}

const clocksDiffer =
  "the certificate that the lab has signed is not good by this machine's clock: one of the two clocks is wrong";

async function renewNow(options: RenewalOptions, signal: AbortSignal): Promise<void> {
  const { dir, node, key } = options;
  const present = await readNodeCertificate(dir, key);
  const lasts = present ? lastsUntil(present.cert, options) : 0;
  const problemOf = (cert: string): string | undefined => {
    if (!isOurs(cert, options)) return `the lab sent a certificate that is not one for node ${node}`;
    if (endOf(cert) > lasts) return undefined;
    return `the lab sent a certificate that ends ${dateOf(endOf(cert))}, and the present one lasts until ${dateOf(lasts)}: a clock there is behind`;
  };
  const cert = await options.renew({ csr: await makeRequest(key, node), problemOf }, signal);
  if (signal.aborted) return;
  const problem = problemOf(cert);
  if (problem !== undefined) throw new Error(problem);
  await writeNodeCertificate(dir, cert);
  options.onRenewed({ cert, key });
}

/** 0: it is not of this node, or begins in years, signed by a clock that was ahead; any other one is better. */
const lastsUntil = (cert: string, options: RenewalOptions): number =>
  isOurs(cert, options) && Date.parse(new X509Certificate(cert).validFrom) <= options.clock.now() ? endOf(cert) : 0;

const endOf = (cert: string): number => Date.parse(new X509Certificate(cert).validTo);
const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function isOurs(cert: string, { key, node, caCert }: RenewalOptions): boolean {
  if (!isPair({ cert, key })) return false;
  const parsed = new X509Certificate(cert);
  return nodeOf(parsed) === node && isIssuedBy(parsed, new X509Certificate(caCert()));
}
