/**
 * The door of the lab at each node: machines that want in, and nodes that want another certificate. What may be decided
 * only by the leader is passed on to it; who signs is a voter.
 */
import { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import * as z from 'zod';
import { clusterStream } from '#actors/cluster/stream.ts';
import { idFrom } from '#actors/ids.ts';
import { streamOf, type StreamId } from '#events/envelope.ts';
import type { Clock } from '../../devices/clock/port.ts';
import type { Random } from '../../devices/random/port.ts';
import { limit, limited } from '../../lab/limited.ts';
import type { Others } from '../../lab/others.ts';
import type { RunningLab } from '../../lab/running.ts';
import type { Methods } from '../../links/calls.ts';
import { LogError } from '../../log/port.ts';
import type { RequestHandler } from '../../links/plain.ts';
import { RefusalLog } from '../../links/refusals.ts';
import { tokenHash } from '../../links/token.ts';
import { issueNode, keySha256OfRequest } from '../../pki/node-certificate.ts';
import type { NodeIni } from '../node-ini.ts';
import { joinBody, type JoinBody, type Welcome } from './joining.ts';
import { authorityOf, sealedRecovery } from './keys.ts';
import { KnockLimit } from './knocks.ts';
import type { Roster } from './roster.ts';
import type { SigningTime } from './signing-time.ts';

export interface DoorParts {
  readonly dataDir: string;
  readonly lab: RunningLab;
  readonly others: Others;
  readonly roster: Roster;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** By which certificates are signed. */
  time(): SigningTime;
  /** As it is now. */
  ini(): NodeIni;
}

interface Said {
  readonly status: number;
  readonly body: object;
}

interface Refused extends Said {
  readonly body: { readonly code: string; readonly explain: string; readonly hint: string };
}

const forwardMs = 15_000;
/** A machine that waits to be let in asks again every few seconds; a node passes on what came to it. */
const joinRate = { perSecond: 20, burst: 100 };
/** A node needs another certificate once in weeks. */
const renewRate = { perSecond: 0.2, burst: 10 };
const passedOn = z.object({ body: joinBody, from: z.string().max(64) });
const answered = z.object({ status: z.int(), body: z.record(z.string(), z.unknown()) });
const renewal = z.object({ csr: z.string().max(16_384) });

export class Door {
  readonly #parts: DoorParts;
  /** By the address that a machine came from. */
  readonly #refusals: RefusalLog;
  readonly #knocks: KnockLimit;

  constructor(parts: DoorParts) {
    this.#parts = parts;
    this.#knocks = new KnockLimit(parts.clock);
    this.#refusals = new RefusalLog(parts.log, parts.clock, 'a machine was not let in');
    const { others, clock } = parts;
    const admit = (said: unknown): Promise<Said> => {
      const { body, from } = passedOn.parse(said);
      // Each node has let through what is no crowd; here they come together.
      return this.#bounded(from, body, () => this.#admit(body, from));
    };
    const renew = async (said: unknown, node: string) => ({
      certificate: await this.renew(node, renewal.parse(said).csr),
    });
    others.answer('lab/join', limited(joinRate, clock, admit));
    others.answer('lab/renew', limited(renewRate, clock, renew));
  }

  /** For the port between nodes. */
  readonly handle: RequestHandler = async ({ path, body, remoteAddress, signal }) => {
    if (path !== '/join') return problem(404, 'NOT_FOUND', 'there is nothing to ask here', '');
    const parsed = joinBody.safeParse(body);
    return this.#bounded(remoteAddress, parsed.data, async () => {
      if (parsed.success) return this.#join(parsed.data, remoteAddress, signal);
      const [issue] = parsed.error.issues;
      const where = issue?.path.join('.') ?? 'it';
      const explain = `this is no request to join: ${where}: ${issue?.message}`;
      return this.#turnAway(remoteAddress, problem(400, 'BAD_REQUEST', explain, upgradeHint));
    });
  };

  /** A new certificate for a node of the lab, for the key by which the lab knows it. @throws with a code */
  async renew(node: string, csr: string): Promise<string> {
    const { dataDir, roster, time } = this.#parts;
    const known = roster.nodes.find((one) => one.node === node);
    const authority = await authorityOf(dataDir);
    if (!authority) throw coded('NO_AUTHORITY', 'this node does not sign: ask a voter');
    if (!known || keySha256OfRequest(csr) !== known.keySha256) {
      throw coded('NOT_ADMITTED', 'the lab knows this node by another key, or not at all');
    }
    const cluster = this.#parts.ini().lab.id;
    return issueNode(authority, csr, { node, cluster, addresses: known.addresses, ...time() });
  }

  async #bounded(from: string, body: JoinBody | undefined, then: () => Promise<Said>): Promise<Said> {
    const tooMany = this.#knocks.knock(from, this.#isGood(body?.token));
    if (tooMany === undefined) return then();
    if (tooMany === 'all') return this.#turnAway(from, tooManyOfAll());
    const explain = `machines at ${from} ask the lab too often to be let in`;
    return this.#turnAway(from, problem(429, 'TOO_MANY_ATTEMPTS', explain, tooManyHint));
  }

  /** As far as this node knows; what it opens is decided elsewhere. */
  #isGood(token: JoinBody['token'] | undefined): boolean {
    if (!token) return false;
    const known = this.#parts.lab.view.get(clusterStream)?.context.tokens[token.id];
    return known?.hash === tokenHash(Buffer.from(token.secret, 'base64url'));
  }

  async #join(body: JoinBody, from: string, signal: AbortSignal): Promise<Said> {
    const { lab, others } = this.#parts;
    const { mine, leader } = lab.leadership ?? {};
    if (mine === true) return this.#admit(body, from);
    if (leader === undefined) return noLeader();
    try {
      const either = AbortSignal.any([signal, AbortSignal.timeout(forwardMs)]);
      return answered.parse(await others.ask(leader, 'lab/join', { body, from }, either));
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === 'BUSY') return this.#turnAway(from, tooManyOfAll());
      this.#refusals.refused(from, 'NO_LEADER', `leader ${leader} could not be asked: ${String(error)}`);
      return noLeader();
    }
  }

  async #admit(body: JoinBody, from: string): Promise<Said> {
    const { lab, log } = this.#parts;
    let keySha256: string;
    try {
      keySha256 = keySha256OfRequest(body.csr);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const explain = `the request for a certificate is not good: ${why}`;
      return this.#turnAway(from, problem(400, 'BAD_REQUEST', explain, upgradeHint));
    }
    const token = body.token && {
      id: body.token.id,
      hash: tokenHash(Buffer.from(body.token.secret, 'base64url')),
    };
    const { csr: _, token: __, labels, role, node, again, ...said } = body;
    const shown = token && lab.view.get(clusterStream)?.context.tokens[token.id];
    const request =
      shown?.replaces === body.name
        ? { name: 'replace-incarnation', input: { ...said, keySha256, token } }
        : {
            name: 'admit-node',
            input: { ...said, keySha256, token, labels, role, again, node: streamOf('node', node), from },
          };
    let isNew: boolean;
    try {
      // Asked again with the same token and disk it is the same command: the answer was lost, and nothing happens twice.
      const { node: asks, incarnation, name } = body;
      const id = token
        ? idFrom('admit', asks, incarnation, name, keySha256, token.id, token.hash)
        : this.#parts.random.id();
      const result = await lab.run({ id, ...request, by: 'system:door' }, AbortSignal.timeout(forwardMs));
      if ('rejected' in result) {
        const { code, explain, hint = '' } = result.rejected;
        return this.#turnAway(from, problem(403, code, explain, hint));
      }
      isNew = !result.unchanged;
    } catch (error) {
      if (error instanceof LogError) return noLeader();
      throw error;
    }
    const admitted = lab.view.byName('node', 'system', body.name);
    if (!admitted) return noLeader();
    // The lab may know that name: whoever asks gets a certificate for its own key and disk, and for no other node.
    const { context } = admitted;
    if (context.keySha256 !== keySha256 || context.incarnation !== body.incarnation) {
      const explain = `There is a node ${body.name} in the lab already, and it is another machine.`;
      return this.#turnAway(from, problem(403, 'NAME_TAKEN', explain, 'Join under another name: --name.'));
    }
    if (admitted.state === 'waiting') {
      if (isNew) log.info({ node: body.name, from }, 'a machine waits to be let in');
      return { status: 202, body: { waiting: true } };
    }
    if (isNew) log.info({ node: body.name, from }, 'a machine was let in');
    return { status: 200, body: await this.#welcome(admitted.stream, body.csr) };
  }

  #turnAway(from: string, said: Refused): Said {
    this.#refusals.refused(from, said.body.code, said.body.explain);
    return said;
  }

  async #welcome(node: StreamId<'node'>, csr: string): Promise<Welcome> {
    const { dataDir, lab, roster, time } = this.#parts;
    const { lab: keys, admin } = this.#parts.ini();
    roster.update(lab.view);
    const id = node.slice('node:'.length);
    const authority = await authorityOf(dataDir);
    if (!authority) throw coded('NO_AUTHORITY', 'the leader has no key of the authority yet');
    const known = roster.nodes.find((one) => one.node === id);
    const addresses = known?.addresses ?? [];
    const sealed = await sealedRecovery(dataDir);
    return {
      node: id,
      certificate: await issueNode(authority, csr, { node: id, cluster: keys.id, addresses, ...time() }),
      caCert: authority.cert,
      lab: {
        id: keys.id,
        name: lab.view.get(clusterStream)?.context.metadata.name ?? 'lab',
        generation: keys.generation,
        dataKey: base64url(keys.dataKey),
      },
      admin: {
        name: admin.name,
        passwordHash: admin.passwordHash,
        passwordIsInitial: admin.passwordIsInitial,
        passwordChangedAt: admin.passwordChangedAt,
      },
      ...(sealed ? { recovery: Buffer.from(sealed).toString('base64') } : {}),
      peers: [...roster.nodes],
    };
  }
}

/** The same for a node whose certificate has run out: over links of that purpose. */
export function answerRenewals(methods: Methods, door: Pick<Door, 'renew'>, clock: Clock): void {
  const admit = limit(renewRate, clock);
  methods.handle('renew', async (csr, { node }) => {
    admit(node);
    return Buffer.from(await door.renew(node, renewal.parse({ csr: Buffer.from(csr).toString() }).csr));
  });
}

/** SHA-256 of the authority's certificate, hex: what a token says of the lab. */
export const caSha256 = (caCert: string): string =>
  new X509Certificate(caCert).fingerprint256.replaceAll(':', '').toLowerCase();

const tooManyHint =
  'Try again in a minute. A machine with a token (floatlab node token) is not kept waiting by others, and rules say who ' +
  'is let in without one (floatlab cluster bouncer).';
const upgradeHint = 'Does the machine run another version of FloatLab? Use the same one.';

const problem = (status: number, code: string, explain: string, hint: string): Refused => ({
  status,
  body: { code, explain, hint },
});

const tooManyOfAll = (): Refused =>
  problem(429, 'TOO_MANY_ATTEMPTS', 'more machines ask the lab to be let in than it takes at a time', tooManyHint);

const noLeader = (): Said =>
  problem(
    503,
    'NO_LEADER',
    'the lab has no leader at the moment, who could let a machine in',
    'Try again with the same token; floatlab cluster status tells more.',
  );

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code });
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
