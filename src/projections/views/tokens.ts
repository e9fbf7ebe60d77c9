/** Join tokens: those that are open, and those that ended lately. What they open with is nowhere. */
import type { ActorState, LabView } from '#actors/actor.ts';
import type { Token } from '#actors/cluster/machine.ts';
import type { Labels } from '#events/values/name.ts';
import type { NodeRole } from '#events/values/peer.ts';
import { defineProjection } from '../projection.ts';
import { refTo, type Ref } from '../refs.ts';

export interface TokenRow {
  readonly id: string;
  readonly state: Token['state'];
  /** What the node that joins with it becomes. */
  readonly role: NodeRole;
  readonly labels: Labels;
  /** The name of the node whose successor it admits; null: it admits a new one. */
  readonly replaces: string | null;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly usedBy: Ref | null;
  readonly endedAt: number | null;
}

export const tokensView = defineProjection<TokenRow>({
  name: 'tokens',
  version: 1,
  keeps: 'table',
  apply: (rows, { before, after }, lab) => {
    if (after?.kind === 'cluster') {
      const [known, tokens] = [tokensOf(before), tokensOf(after)];
      for (const [id, token] of Object.entries(tokens)) if (known[id] !== token) rows.put(id, rowOf(id, token, lab));
      for (const id of Object.keys(known)) if (!Object.hasOwn(tokens, id)) rows.delete(id);
    }
  },
  scope: () => ({ verb: 'read', kind: 'cluster' }),
});

const tokensOf = (actor: ActorState | undefined): Readonly<Record<string, Token>> =>
  actor === undefined ? {} : (actor as ActorState<'cluster'>).context.tokens;

const rowOf = (id: string, token: Token, lab: LabView): TokenRow => ({
  id,
  state: token.state,
  role: token.role,
  labels: token.labels,
  replaces: token.replaces,
  issuedAt: token.issuedAt,
  expiresAt: token.expiresAt,
  usedBy: refTo(lab, token.usedBy),
  endedAt: token.endedAt,
});
