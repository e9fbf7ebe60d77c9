/**
 * Who is signed in: a signed token (JWT, ES256). A program shows it in the `Authorization` header; a page has it in a
 * cookie, and shows its key beside (page-key.ts). A token is for one of the two ways: one from a cookie is no bearer
 * token, because whoever listens on another port of this host gets to see it.
 *
 * A token is good while its signature, issuer, audience and time are, the node that signed it is one of the lab
 * (signer.ts), its password version is the present one, and it was not ended. The server keeps no list of sessions, only of those that were ended early (ended.ts).
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { Principal } from '#events/envelope.ts';
import { sessionCookie } from '#io/contract/routes.ts';
import { parse } from 'hono/utils/cookie';
import { jwtVerify, SignJWT, type JWTPayload } from 'jose';
import type { Clock } from '../../devices/clock/port.ts';
import type { Random } from '../../devices/random/port.ts';
import type { Account } from './account.ts';
import { hasEnded, merged, withEnded, type EndedSessions, type EndedStore } from './ended.ts';
import { isPageKey, pageKeyHash } from './page-key.ts';
import { jwkOf, keyOf, keySha256Of, type Signer } from './signer.ts';

export const sessionSeconds = 12 * 60 * 60;

const issuer = 'floatlab';
const audience = 'floatlab-api';
const typ = 'floatlab-session+jwt';
const algorithm = 'ES256';
/** Tokens whose signature was checked: that costs more than the rest of most requests. */
const maxRead = 1000;

export interface Session {
  /** Of the token. */
  readonly id: string;
  readonly name: string;
  readonly principal: Principal;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly passwordVersion: string;
  /** By the node with this key. */
  readonly signedBy: string;
  /** Of a page: it came by a cookie and a key. */
  readonly isPage: boolean;
}

/** What a token says, and the key of whoever has signed just that. */
interface ReadToken {
  readonly payload: JWTPayload;
  readonly signedBy: string;
}

export class Sessions {
  readonly #key: KeyObject;
  readonly #self: string;
  readonly #signer: Signer;
  readonly #read = new Map<string, ReadToken>();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #account: Account;
  readonly #store: EndedStore;
  #ended: EndedSessions;
  readonly #listeners = new Set<() => void>();

  constructor(parts: { signer: Signer; account: Account; clock: Clock; random: Random; ended: EndedStore }) {
    this.#key = createPrivateKey(parts.signer.privateKey);
    this.#self = keySha256Of(createPublicKey(this.#key));
    this.#signer = parts.signer;
    this.#account = parts.account;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#store = parts.ended;
    this.#ended = parts.ended.known;
    parts.ended.onMore?.((more) => {
      this.#ended = merged(this.#ended, more, this.#clock.now());
      this.changed();
    });
  }

  /** @param pageKey of the page that signs in; left out for a program */
  async issue(name: string, pageKey?: string): Promise<{ readonly token: string; readonly session: Session }> {
    const now = Math.floor(this.#clock.now() / 1000);
    const id = this.#random.id();
    const { passwordVersion } = this.#account;
    const token = await new SignJWT({ pwv: passwordVersion, ...(pageKey === undefined ? {} : pageClaim(pageKey)) })
      .setProtectedHeader({ alg: algorithm, typ, jwk: jwkOf(this.#key) })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(name)
      .setIssuedAt(now)
      .setExpirationTime(now + sessionSeconds)
      .setJti(id)
      .sign(this.#key);
    const expiresAt = (now + sessionSeconds) * 1000;
    const isPage = pageKey !== undefined;
    const signedBy = this.#self;
    return { token, session: { id, name, principal: `user:${name}`, expiresAt, passwordVersion, signedBy, isPage } };
  }

  /** @returns undefined for a token that is not good, or not good by this way, whatever the reason */
  async verify({ token, via, pageKey }: Presented): Promise<Session | undefined> {
    const read = this.#read.get(token) ?? (await this.#readAnew(token));
    if (!read) return undefined;
    const { payload, signedBy } = read;
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
      signedBy,
      isPage,
    };
    return this.holds(session) ? session : undefined;
  }

  /** Whether a session that was good still is. */
  holds(session: Session): boolean {
    return (
      session.expiresAt > this.#clock.now() &&
      session.passwordVersion === this.#account.passwordVersion &&
      this.#trusts(session.signedBy) &&
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

  #trusts(keySha256: string): boolean {
    return keySha256 === this.#self || this.#signer.knows(keySha256);
  }

  /** What can change afterwards `holds` looks at: time, password, who is a node of the lab. */
  async #readAnew(token: string): Promise<ReadToken | undefined> {
    let signedBy = '';
    const keyFor = ({ jwk }: { readonly jwk?: unknown }): KeyObject => {
      const key = keyOf(jwk);
      signedBy = keySha256Of(key);
      // Before the signature, which costs more: a stranger's is not worth it.
      if (!this.#trusts(signedBy)) throw new Error('no node of this lab has this key');
      return key;
    };
    try {
      const { payload } = await jwtVerify(token, keyFor, {
        algorithms: [algorithm],
        issuer,
        audience,
        typ,
        requiredClaims: ['iss', 'aud', 'sub', 'iat', 'exp', 'jti', 'pwv'],
        currentDate: new Date(this.#clock.now()),
      });
      const [oldest] = this.#read.keys();
      if (this.#read.size >= maxRead && oldest !== undefined) this.#read.delete(oldest);
      this.#read.set(token, { payload, signedBy });
      return { payload, signedBy };
    } catch {
      return undefined;
    }
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
