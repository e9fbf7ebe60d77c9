/**
 * Who is signed in: a signed token (JWT, HS256) in a cookie or an `Authorization` header. The server keeps no list of
 * sessions, only of those that were ended early; it is bounded, because each entry goes when its token would run out.
 *
 * A token is good while its signature, issuer, audience and time are, its password version is the present one, and it
 * was not ended. What was ended is forgotten with a restart of the daemon; a changed password is not.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Principal } from '#events/envelope.ts';
import { sessionCookie } from '#io/contract/routes.ts';
import { parse } from 'hono/utils/cookie';
import { jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../devices/clock/port.ts';
import type { Random } from '../../devices/random/port.ts';
import type { Account } from './account.ts';

export const sessionSeconds = 12 * 60 * 60;

const issuer = 'floatlab';
const audience = 'floatlab-api';
const typ = 'floatlab-session+jwt';
const algorithm = 'HS256';
const maxEnded = 10_000;

export interface Session {
  /** Of the token. */
  readonly id: string;
  readonly name: string;
  readonly principal: Principal;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly passwordVersion: string;
}

export class Sessions {
  readonly #key: KeyObject;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #account: Account;
  /** Ended tokens, and when they would have run out. */
  readonly #ended = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  constructor(parts: { signingKey: Uint8Array; account: Account; clock: Clock; random: Random }) {
    if (parts.signingKey.length < 32) throw new Error('the key that signs sessions needs 32 bytes');
    this.#key = createSecretKey(parts.signingKey);
    this.#account = parts.account;
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  async issue(name: string): Promise<{ readonly token: string; readonly session: Session }> {
    const now = Math.floor(this.#clock.now() / 1000);
    const id = this.#random.id();
    const { passwordVersion } = this.#account;
    const token = await new SignJWT({ pwv: passwordVersion })
      .setProtectedHeader({ alg: algorithm, typ })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(name)
      .setIssuedAt(now)
      .setExpirationTime(now + sessionSeconds)
      .setJti(id)
      .sign(this.#key);
    const expiresAt = (now + sessionSeconds) * 1000;
    return { token, session: { id, name, principal: `user:${name}`, expiresAt, passwordVersion } };
  }

  /** @returns undefined for a token that is not good, whatever the reason */
  async verify(token: string): Promise<Session | undefined> {
    let payload;
    try {
      ({ payload } = await jwtVerify(token, this.#key, {
        algorithms: [algorithm],
        issuer,
        audience,
        typ,
        requiredClaims: ['iss', 'aud', 'sub', 'iat', 'exp', 'jti', 'pwv'],
        currentDate: new Date(this.#clock.now()),
      }));
    } catch {
      return undefined;
    }
    const { sub: name, jti: id, exp, pwv } = payload;
    if (name !== this.#account.name || id === undefined || exp === undefined || typeof pwv !== 'string')
      return undefined;
    const session: Session = { id, name, principal: `user:${name}`, expiresAt: exp * 1000, passwordVersion: pwv };
    return this.holds(session) ? session : undefined;
  }

  /** Whether a session that was good still is. */
  holds({ id, expiresAt, passwordVersion }: Session): boolean {
    return expiresAt > this.#clock.now() && passwordVersion === this.#account.passwordVersion && !this.#ended.has(id);
  }

  end({ id, expiresAt }: Session): void {
    this.#forgetOld();
    this.#ended.set(id, expiresAt);
    this.changed();
  }

  /** Calls back whenever sessions may have ended before their time. @returns the way out */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The password changed: all sessions of before are over. */
  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** The oldest come first, as all last equally long. */
  #forgetOld(): void {
    for (const [id, expiresAt] of this.#ended) {
      if (expiresAt > this.#clock.now() && this.#ended.size < maxEnded) break;
      this.#ended.delete(id);
    }
  }
}

export interface Presented {
  readonly token: string;
  /** A cookie is sent by browsers without being asked: what it allows needs proof of the page's origin. */
  readonly via: 'cookie' | 'bearer';
}

/** The token of a request: of its `Authorization` header, else of its cookie; never of its URL. */
export function presentedBy(authorization: string | undefined, cookie: string | undefined): Presented | undefined {
  if (authorization !== undefined) {
    const bearer = /^Bearer +([\w.~+/=-]{1,4096})$/i.exec(authorization)?.[1];
    return bearer === undefined ? undefined : { token: bearer, via: 'bearer' };
  }
  const token = cookie === undefined ? undefined : parse(cookie, sessionCookie)[sessionCookie];
  return token === undefined || token === '' ? undefined : { token, via: 'cookie' };
}
