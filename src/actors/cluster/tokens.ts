/**
 * Join tokens: a secret that admits one machine, once. The lab knows the SHA-256 of the secret and never the secret;
 * it must hold at least 128 random bits, so that nobody finds it from the hash.
 *
 * Whoever shows the right secret is told exactly why it opens nothing any more. Whoever does not, learns nothing: a
 * wrong secret and a token that never was look the same.
 */
import { formatDuration } from '#events/values/duration.ts';
import type { LabView } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import { draft, drafts, systemNamespace, unchanged } from '../drafting.ts';
import { reject, type Rejection } from '../rejection.ts';
import type { Token } from './machine.ts';
import { clusterStream } from './stream.ts';

/** How many may be open at once: each is a door. */
const mostOpen = 100;

const makeAnother = 'Make another one, on a node of the lab: floatlab node token.';

/** Own keys only: ids come from outside, and an object has more than its own. */
function tokenOf(lab: LabView, id: string): Token | undefined {
  const tokens = lab.get(clusterStream)?.context.tokens ?? {};
  return Object.hasOwn(tokens, id) ? tokens[id] : undefined;
}

/** @returns the token, when it opens the door now */
export function openToken(
  shown: { readonly id: string; readonly hash: string },
  lab: LabView,
  now: number,
): { readonly token: Token } | { readonly rejected: Rejection } {
  const token = tokenOf(lab, shown.id);
  if (token?.hash !== shown.hash) {
    return reject(
      'TOKEN_UNKNOWN',
      'This lab does not know the token: it was made by another lab, or not copied whole, or forgotten long ago.',
      `Check that it was made by this lab and copied to its end. ${makeAnother}`,
    );
  }
  switch (token.state) {
    case 'used': {
      const node = token.usedBy && lab.get(token.usedBy)?.context.metadata.name;
      const by = node === null || node === undefined ? 'A node that is gone' : `Node ${node}`;
      return reject('TOKEN_USED', `${by} has used this token; each admits one machine, once.`, makeAnother);
    }
    case 'revoked':
      return reject('TOKEN_REVOKED', 'This token was revoked.', makeAnother);
    case 'expired':
    case 'open':
      if (token.state === 'open' && now < token.expiresAt) return { token };
      return reject(
        'TOKEN_EXPIRED',
        `This token expired ${formatDuration(Math.max(0, now - token.expiresAt))} ago; it was good for ` +
          `${formatDuration(token.expiresAt - token.issuedAt)}.`,
        makeAnother,
      );
  }
}

export const tokenDecisions: Decisions<'issue-token' | 'revoke-token' | 'expire-tokens'> = {
  'issue-token': {
    scope: () => ({ verb: 'write', kind: 'cluster' }),
    decide: ({ input, now }, lab) => {
      const cluster = lab.get(clusterStream);
      if (!cluster) return noLab;
      if (tokenOf(lab, input.tokenId)) {
        return reject('NAME_TAKEN', `There is already a token ${input.tokenId}.`, 'Draw another id and secret.');
      }
      if (Object.values(cluster.context.tokens).filter(({ state }) => state === 'open').length >= mostOpen) {
        return reject(
          'TOO_MANY',
          `The lab has ${mostOpen} open tokens.`,
          'Revoke those that nobody will use: floatlab node token ls shows them.',
        );
      }
      const { tokenId, hash, role, labels, replaces, validMs } = input;
      if (replaces !== undefined && lab.byName('node', systemNamespace, replaces) === undefined) {
        return reject('NOT_FOUND', `There is no node ${replaces} to replace.`, 'floatlab node ls shows what there is.');
      }
      return drafts(
        draft(clusterStream, 'cluster.token-issued', {
          token: tokenId,
          hash,
          role,
          labels,
          expiresAt: now + validMs,
          ...(replaces === undefined ? {} : { replaces }),
        }),
      );
    },
  },

  'revoke-token': {
    scope: () => ({ verb: 'write', kind: 'cluster' }),
    decide: ({ input }, lab) => {
      const token = tokenOf(lab, input.token);
      if (!token) {
        return reject('NOT_FOUND', `There is no token ${input.token}.`, 'floatlab node token ls shows what there is.');
      }
      // One that has ended opens nothing any more: there is nothing to revoke.
      if (token.state !== 'open') return unchanged;
      return drafts(draft(clusterStream, 'cluster.token-revoked', { token: input.token }));
    },
  },

  'expire-tokens': {
    scope: () => ({ verb: 'govern', kind: 'cluster' }),
    decide: ({ now }, lab) =>
      drafts(
        Object.entries(lab.get(clusterStream)?.context.tokens ?? {})
          .filter(([, { state, expiresAt }]) => state === 'open' && expiresAt <= now)
          .map(([token]) => draft(clusterStream, 'cluster.token-expired', { token })),
      ),
  },
};

const noLab = reject('NOT_FOUND', 'There is no lab yet.', 'Start floatlabd: its first start makes one.');
