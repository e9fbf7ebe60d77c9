/** Signing in and out, who one is, and the password. */
import { sessionCookie } from '#io/contract/routes.ts';
import { changePasswordBody, signInBody, type SessionAnswer } from '#io/contract/routes/session.ts';
import { deleteCookie, setCookie } from 'hono/cookie';
import type { CookieOptions } from 'hono/utils/cookie';
import { makePageKey } from '../auth/page-key.ts';
import { sessionSeconds, type Session } from '../auth/sessions.ts';
import { LogError } from '../../log/port.ts';
import { checked, ofStrangers, readJson } from '../body.ts';
import { majorityAnswers } from '../majority.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail, wrongField } from '../problems.ts';

export async function signIn(parts: Parts, c: RouteContext): Promise<Response> {
  const address = c.env.incoming.socket.remoteAddress;
  // Before anything of the body is taken: who tries too often does not fill the memory either.
  await parts.limiter.attempt(address);
  const { name, password, page = false } = await whoSignsIn(parts, c, address);
  if (!(await parts.account.check(name, password))) {
    parts.log.warn({ address }, 'sign-in refused');
    throw fail('WRONG_PASSWORD', 'Name or password is wrong.', {
      hint: 'The first start printed them. For a new password: npm start -- --reset-password',
    });
  }
  await parts.limiter.forget(address);
  return begin(parts, c, parts.account.name, page);
}

async function whoSignsIn({ clock, limiter }: Parts, c: RouteContext, address: string | undefined) {
  const body = await readJson(c, ofStrangers(clock));
  try {
    return checked(signInBody, body);
  } catch (error) {
    await limiter.takeBack(address);
    throw error;
  }
}

export function whoami(parts: Parts, c: RouteContext): Response {
  c.header('cache-control', 'no-store');
  return c.json(answer(parts, sessionOf(c)));
}

export async function signOut(parts: Parts, c: RouteContext): Promise<Response> {
  const session = sessionOf(c);
  await parts.sessions.end(session);
  if (session.isPage) deleteCookie(c, sessionCookie, cookieOptions(c));
  return c.body(null, 204);
}

/**
 * The other sessions end; this one goes on under a new token. All nodes have the same password: a node that is cut off
 * from the others does not change it for itself alone.
 */
export async function changePassword(parts: Parts, c: RouteContext): Promise<Response> {
  const { current, next } = checked(changePasswordBody, await readJson(c));
  const { name, isPage } = sessionOf(c);
  const address = c.env.incoming.socket.remoteAddress;
  await parts.limiter.attempt(address);
  if (!(await parts.account.check(name, current))) throw fail('WRONG_PASSWORD', 'The present password is another one.');
  if (current === next) throw wrongField('next', 'it is the present password');
  await parts.limiter.forget(address);
  await withMajority(parts, c);
  await parts.account.change(next);
  // Live connections end once the answer is out: whoever asked has the new session before the old one is gone.
  c.env.outgoing.once('close', () => parts.sessions.changed());
  return begin(parts, c, name, isPage);
}

/** @throws ProblemError NO_LEADER */
async function withMajority(parts: Parts, c: RouteContext): Promise<void> {
  try {
    await majorityAnswers(parts, c);
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    throw fail('NO_LEADER', "The password was not changed: no majority of the lab's voters answers this node.", {
      hint: 'All nodes have the same password, so it waits for them: floatlab cluster status shows which are down.',
    });
  }
}

/** A program gets the token. A page never sees it: it gets the cookie, and the key without which that is nothing. */
async function begin(parts: Parts, c: RouteContext, name: string, isPage: boolean): Promise<Response> {
  const key = isPage ? makePageKey() : undefined;
  const { token, session } = await parts.sessions.issue(name, key);
  if (isPage) setCookie(c, sessionCookie, token, { ...cookieOptions(c), maxAge: sessionSeconds });
  c.header('cache-control', 'no-store');
  const opens = key === undefined ? { token } : { key };
  return c.json({ ...answer(parts, session), ...opens } satisfies SessionAnswer);
}

const answer = ({ account, simulation }: Parts, { name, expiresAt }: Session): SessionAnswer => ({
  name,
  role: 'admin',
  expiresAt,
  initialPassword: account.initialPassword,
  ...(simulation === undefined ? {} : { simulated: true }),
});

/** Out of reach for scripts and for other sites' pages; over TLS only, where there is TLS, a proxy's included. */
const cookieOptions = (c: RouteContext): CookieOptions => ({
  path: '/',
  httpOnly: true,
  sameSite: 'Strict',
  secure: 'encrypted' in c.env.incoming.socket || c.req.header('origin')?.startsWith('https:') === true,
});
