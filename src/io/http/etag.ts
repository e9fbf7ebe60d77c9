/** ETags of views: what a client has already is not sent again. */
import type { RouteContext } from './parts.ts';

/** Shared caches keep nothing of it; one's own asks every time. */
const cacheControl = 'private, no-cache';

/** @param tag weak: the rows are the same, the index in the answer may be another */
export const isKnown = (c: RouteContext, tag: string): boolean => {
  const asked = c.req.header('if-none-match');
  if (asked === undefined) return false;
  const opaque = (text: string): string => text.trim().replace(/^W\//, '');
  return asked.trim() === '*' || asked.split(',').some((candidate) => opaque(candidate) === opaque(tag));
};

export const etagHeaders = (tag: string): Record<string, string> => ({
  etag: tag,
  'cache-control': cacheControl,
  vary: 'Authorization, Cookie',
});

/** @param headers those that the whole answer would have */
export const notModified = (headers: Readonly<Record<string, string>>): Response =>
  new Response(null, { status: 304, headers });
