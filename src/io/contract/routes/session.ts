/** Signing in and out. */
import * as z from 'zod';
import { special, type Route } from './route.ts';

export const signInBody = z.strictObject({
  name: z.string().min(1).max(63),
  password: z.string().min(1).max(1024),
  /** A page of this server signs in: with a cookie and a key instead of a bearer token. */
  page: z.boolean().exactOptional(),
});
export const changePasswordBody = z.strictObject({
  current: z.string().min(1).max(1024),
  next: z.string().min(10, 'a password has at least 10 characters').max(1024),
});

export const sessionRoutes: readonly Route[] = [
  special(
    'sign-in',
    'post',
    '/api/v1/session',
    'session',
    'Sign in; answers with a bearer token, or sets a cookie for a page and answers with the page’s key',
    { body: signInBody, open: true },
  ),
  special('whoami', 'get', '/api/v1/session', 'session', 'Who is signed in'),
  special('sign-out', 'delete', '/api/v1/session', 'session', 'Sign out'),
  special(
    'change-password',
    'put',
    '/api/v1/session/password',
    'session',
    'Change one’s password; ends all other sessions',
    { body: changePasswordBody },
  ),
];

export interface SessionAnswer {
  readonly name: string;
  readonly role: 'admin';
  readonly expiresAt: number;
  /** Only when signing in, and when the password was changed: it replaces the one before. Not for pages. */
  readonly token?: string;
  /** The same for pages: what opens the session together with the cookie. */
  readonly key?: string;
  /** The password is still the one that the first start printed. */
  readonly initialPassword: boolean;
  /** Nothing in this lab is real: its apps have no addresses, its machines can lose their power at a word. */
  readonly simulated?: true;
}
