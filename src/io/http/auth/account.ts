/**
 * The administrator's name and password. Passwords are kept as argon2id hashes; checking one costs about 20 MiB and
 * some ten milliseconds, so only a few are checked at a time.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { fail } from '../problems.ts';

/** Where the administrator is kept: in the simplest case, the daemon's `node.ini`. */
export interface Credentials {
  readonly adminName: string;
  /** As argon2 writes it, `$argon2id$…`. */
  readonly passwordHash: string;
  /** The password is still the one that the first start printed. */
  readonly initialPassword: boolean;
  /** Durable once resolved. */
  save(passwordHash: string): Promise<void>;
  /** Calls back when it was changed elsewhere. */
  watch?(changed: (passwordHash: string, isInitial: boolean) => void): void;
}

/** More at once would only fill the memory: whoever asks waits for a second, like anyone with too many attempts. */
const maxAtOnce = 8;

export class Account {
  readonly name: string;
  readonly #credentials: Credentials;
  #passwordHash: string;
  #initialPassword: boolean;
  #version: string;
  #checking = 0;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
    this.name = credentials.adminName;
    this.#passwordHash = credentials.passwordHash;
    this.#initialPassword = credentials.initialPassword;
    this.#version = versionOf(credentials.passwordHash);
    credentials.watch?.((passwordHash, isInitial) => this.#set(passwordHash, isInitial));
  }

  get initialPassword(): boolean {
    return this.#initialPassword;
  }

  /** Changes with the password; sessions carry it, so that a new password ends them. Tells nothing about the hash. */
  get passwordVersion(): string {
    return this.#version;
  }

  /** Takes as long for a name that nobody has as for a wrong password. @throws ProblemError TOO_MANY_ATTEMPTS */
  async check(name: string, password: string): Promise<boolean> {
    if (this.#checking >= maxAtOnce) {
      throw fail('TOO_MANY_ATTEMPTS', 'Too many passwords are being checked.', { retryAfter: 1 });
    }
    this.#checking++;
    try {
      const isPassword = await verify(this.#passwordHash, password);
      return isPassword && sameText(name, this.name);
    } finally {
      this.#checking--;
    }
  }

  async change(password: string): Promise<void> {
    const passwordHash = await hash(password);
    await this.#credentials.save(passwordHash);
    this.#set(passwordHash, false);
  }

  #set(passwordHash: string, isInitial: boolean): void {
    this.#passwordHash = passwordHash;
    this.#version = versionOf(passwordHash);
    this.#initialPassword = isInitial;
  }
}

const versionOf = (passwordHash: string): string =>
  createHash('sha256').update('floatlab password version\0').update(passwordHash).digest('base64url').slice(0, 16);

/** In the same time whatever differs. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Uint8Array => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
