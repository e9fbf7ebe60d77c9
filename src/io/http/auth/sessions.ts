/**
 * Who is signed in: a signed token (JWT, HS256). A program shows it in the `Authorization` header; a page has it in a
 * cookie, and shows its key beside (page-key.ts). A token is for one of the two ways: one from a cookie is no bearer
 * token, because whoever listens on another port of this host gets to see it.
 *
 * A token is good while its signature, issuer, audience and time are, its password version is the present one, and it
 * was not ended. The server keeps no list of sessions, only of those that were ended early (ended.ts).
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Principal } from '#events/envelope.ts';
import { sessionCookie } from '#io/contract/routes.ts';
import { parse } from 'hono/utils/cookie';
import { jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../devices/clock/port.ts';
import type { Random } from '../../devices/random/port.ts';
import type { Account } from './account.ts';
import { hasEnded, withEnded, type EndedSessions, type EndedStore } from './ended.ts';
import { isPageKey, pageKeyHash } from './page-key.ts';

export const sessionSeconds = 12 * 60 * 60;

const issuer = 'floatlab';
const audience = 'floatlab-api';
const typ = 'floatlab-session+jwt';
const algorithm = 'HS256';

export interface Session {
  /** Of the token. */
  readonly id: string;
  readonly name: string;
  readonly principal: Principal;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly passwordVersion: string;
  /** Of a page: it came by a cookie and a key. */
  readonly isPage: boolean;
}

export class Sessions {
  readonly #key: KeyObject;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #account: Account;
  readonly #store: EndedStore;
  #ended: EndedSessions;
  readonly #listeners = new Set<() => void>();

  constructor(parts: { signingKey: Uint8Array; account: Account; clock: Clock; random: Random; ended: EndedStore }) {
    if (parts.signingKey.length < 32) throw new Error('the key that signs sessions needs 32 bytes');
    this.#key = createSecretKey(parts.signingKey);
    this.#account = parts.account;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#store = parts.ended;
    this.#ended = parts.ended.known;
  }

  /** @param pageKey of the page that signs in; left out for a program */
  async issue(name: string, pageKey?: string): Promise<{ readonly token: string; readonly session: Session }> {
    const now = Math.floor(this.#clock.now() / 1000);
    const id = this.#random.id();
    const { passwordVersion } = this.#account;
    const token = await new SignJWT({ pwv: passwordVersion, ...(pageKey === undefined ? {} : pageClaim(pageKey)) })
      .setProtectedHeader({ alg: algorithm, typ })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(name)
      .setIssuedAt(now)
      .setExpirationTime(now + sessionSeconds)
      .setJti(id)
      .sign(this.#key);
    const expiresAt = (now + sessionSeconds) * 1000;
    const isPage = pageKey !== undefined;
    return { token, session: { id, name, principal: `user:${name}`, expiresAt, passwordVersion, isPage } };
  }

  /** @returns undefined for a token that is not good, or not good by this way, whatever the reason */
  async verify({ token, via, pageKey }: Presented): Promise<Session | undefined> {
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
    const { sub: name, jti: id, exp, pwv: passwordVersion, pkh } = payload;
    if (name !== this.#account.name || id === undefined || exp === undefined || typeof passwordVersion !== 'string')
      return undefined;
    const isPage = via === 'cookie';
    if (isPage ? typeof pkh !== 'string' || pageKey === undefined || !isPageKey(pageKey, pkh) : pkh !== undefined)
      return undefined;
    const session: Session = {
      id,
      name,
      principal: `user:${name}`,
      expiresAt: exp * 1000,
      passwordVersion,
      isPage,
    };
    return this.holds(session) ? session : undefined;
  }

  /** Whether a session that was good still is. */
  holds(session: Session): boolean {
    return (
      session.expiresAt > this.#clock.now() &&
      session.passwordVersion === this.#account.passwordVersion &&
      !hasEnded(this.#ended, session)
    );
  }

  /** At once; resolves when it is durable, so that the token is not good after a restart either. @throws IoError */
  async end(session: Session): Promise<void> {
    this.#ended = withEnded(this.#ended, session, this.#clock.now());
    this.changed();
    await this.#store.save(this.#ended);
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
}

const pageClaim = (pageKey: string) => ({ pkh: pageKeyHash(pageKey) });

export interface Presented {
  readonly token: string;
  /** A cookie is sent by browsers without being asked: it needs the key and the origin of a page of this server. */
  readonly via: 'cookie' | 'bearer';
  readonly pageKey: string | undefined;
}

export interface Shown {
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
  readonly pageKey: string | undefined;
}

/** The token of a request: of its `Authorization` header, else of its cookie; never of its URL. */
export function presentedBy({ authorization, cookie, pageKey }: Shown): Presented | undefined {
  if (authorization !== undefined) {
    const bearer = /^Bearer +([\w.~+/=-]{1,4096})$/i.exec(authorization)?.[1];
    return bearer === undefined ? undefined : { token: bearer, via: 'bearer', pageKey: undefined };
  }
  const token = cookie === undefined ? undefined : parse(cookie, sessionCookie)[sessionCookie];
  return token === undefined || token === '' ? undefined : { token, via: 'cookie', pageKey };
}

/** Why what was shown is not good: for the person who meets it. */
export function whyNot(presented: Presented | undefined): string {
  if (!presented) return 'This needs somebody who is signed in.';
  if (presented.via === 'cookie' && presented.pageKey === undefined)
    return 'A cookie alone opens nothing: the key of the page that signed in is missing.';
  return 'This session has ended.';
}
