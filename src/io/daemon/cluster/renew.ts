/**
 * Gets this node another certificate: by itself where it has the authority's key, else from any voter; over a link that
 * an expired certificate still opens, if need be. Whoever has none that is of use is passed over.
 */
import * as z from 'zod';
import type { Others } from '../../lab/others.ts';
import type { Mesh } from '../../links/mesh.ts';
import type { Wish } from '../../pki/renewal.ts';
import type { Door } from './door.ts';
import { authorityOf } from './keys.ts';

export interface RenewParts {
  readonly dataDir: string;
  readonly others: Pick<Others, 'self' | 'ask' | 'reachable'>;
  readonly mesh: Pick<Mesh, 'callOnce'>;
  readonly door: Pick<Door, 'renew'>;
  voters(): readonly string[];
}

const given = z.object({ certificate: z.string() });

/** @returns PEM. @throws why nobody signs, or why what they signed is of no use */
export async function renewCertificate(parts: RenewParts, wish: Wish, signal: AbortSignal): Promise<string> {
  let failure: unknown = new Error('no voter can be reached');
  for (const ask of await waysOf(parts)) {
    try {
      const cert = await ask(wish.csr, signal);
      const problem = wish.problemOf(cert);
      if (problem === undefined) return cert;
      failure = new Error(problem);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

type Ask = (csr: string, signal: AbortSignal) => Promise<string>;

async function waysOf({ dataDir, others, mesh, door, voters }: RenewParts): Promise<readonly Ask[]> {
  const { self, reachable } = others;
  const isSilent = (node: string): number => Number(!reachable.includes(node));
  const asked = voters()
    .filter((node) => node !== self)
    .toSorted((a, b) => isSilent(a) - isSilent(b))
    .map((voter): Ask => async (csr, signal) => {
      try {
        return given.parse(await others.ask(voter, 'lab/renew', { csr }, signal)).certificate;
      } catch {
        // It may let in nobody whose certificate has run out, or have run out itself.
        return Buffer.from(await mesh.callOnce(voter, 'renew', 'renew', Buffer.from(csr), signal)).toString();
      }
    });
  const own: Ask = (csr) => door.renew(self, csr);
  return (await authorityOf(dataDir)) ? [own, ...asked] : asked;
}
