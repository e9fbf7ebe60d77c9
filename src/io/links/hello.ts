/**
 * The first frame in each direction of a link: who speaks, of which lab, in which protocol. The server answers a hello
 * with its own, or with a refusal.
 *
 * The checks are in the order in which the answers make sense: in another lab nothing else counts; in another generation
 * the names may mean something else; without a common protocol nothing can be said.
 */
import type { Buffer } from 'node:buffer';
import { Packr } from 'msgpackr';
import * as z from 'zod';
import { linkCode, type LinkCode, type Refusal } from './errors.ts';
import type { LinkIdentity, Peer } from './identity.ts';
import type { Purpose } from './purpose.ts';

/** Of a hello or a refusal. */
export const maxHelloBytes = 4096;

const packr = new Packr({ useRecords: false });
const word = z.string().min(1).max(128);
const text = z.string().max(1000);
const version = z.int().min(1).max(1_000_000);

// Later versions may say more: what is not known here is passed over.
const hello = z.object({
  cluster: word,
  generation: z.int().min(0),
  protocol: z.object({ min: version, max: version }),
  node: word,
  incarnation: word,
  run: word,
  version: z.string().max(64),
  purpose: word,
});
export type Hello = z.infer<typeof hello>;

const answer = z.union([
  z.object({ hello }),
  z.object({ refusal: z.object({ code: word, explain: text, hint: text }) }),
]);
export type Answer = { readonly hello: Hello } | { readonly refusal: Refusal };

export const helloOf = (who: LinkIdentity, purpose: Purpose): Hello => ({
  cluster: who.cluster,
  generation: who.generation,
  protocol: who.protocol,
  node: who.node,
  incarnation: who.incarnation,
  run: who.run,
  version: who.version,
  purpose,
});

export const packAnswer = (said: Answer): Uint8Array => packr.pack(said) as Buffer;

/** @returns undefined for anything else */
export function parseAnswer(frame: Uint8Array): Answer | undefined {
  if (frame.length > maxHelloBytes) return undefined;
  let said: unknown;
  try {
    said = packr.unpack(frame);
  } catch {
    return undefined;
  }
  const { data } = answer.safeParse(said);
  if (!data) return undefined;
  return 'hello' in data ? data : { refusal: { ...data.refusal, code: linkCode(data.refusal.code) } };
}

/** Whether the two can talk: the same check at both ends. `them` is the one that is refused. */
export function judgeHello(us: LinkIdentity, them: Hello, purpose: Purpose): Peer | Refusal {
  const who = `node ${them.node}`;
  if (them.cluster !== us.cluster) {
    return no(
      'WRONG_CLUSTER',
      `${who} belongs to lab ${them.cluster}, this is lab ${us.cluster}`,
      'There are two labs on this network: check the addresses, or let the node leave its lab before it joins another.',
    );
  }
  if (them.generation < us.generation) {
    return no(
      'OLD_GENERATION',
      `${who} is of generation ${them.generation}; since then the lab was recovered, and is at ${us.generation}`,
      'It has missed the recovery, and what it holds may be of a discarded past: let it join anew.',
    );
  }
  if (them.generation > us.generation) {
    return no(
      'NEWER_GENERATION',
      `${who} is of generation ${them.generation}, and node ${us.node} is still at ${us.generation}`,
      `Node ${us.node} has missed a recovery of the lab: let it join anew.`,
    );
  }
  const protocol = Math.min(us.protocol.max, them.protocol.max);
  if (protocol < us.protocol.min) {
    return no(
      'PROTOCOL_TOO_OLD',
      `${who} runs ${them.version} and speaks protocols up to ${them.protocol.max}; ` +
        `node ${us.node} runs ${us.version} and needs ${us.protocol.min} at least`,
      `Upgrade FloatLab on node ${them.node}.`,
    );
  }
  if (protocol < them.protocol.min) {
    return no(
      'PROTOCOL_TOO_NEW',
      `${who} runs ${them.version} and needs protocol ${them.protocol.min} at least; ` +
        `node ${us.node} runs ${us.version} and speaks up to ${us.protocol.max}`,
      `Upgrade FloatLab on node ${us.node} first: every version speaks with the one before it.`,
    );
  }
  if (them.purpose !== purpose) {
    return no('WRONG_PURPOSE', `${who} asked for ${purpose} and said ${them.purpose}`, 'Upgrade both nodes.');
  }
  const { node, incarnation, run, version: program } = them;
  return { node, incarnation, run, version: program, protocol };
}

export const no = (code: LinkCode, explain: string, hint: string): Refusal => ({ code, explain, hint });
