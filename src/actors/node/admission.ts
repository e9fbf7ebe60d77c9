/**
 * The door: which machines come into the lab, and how one that lost its disk comes back.
 *
 *   what it says of itself is possible?  ─▶ token good? ─▶ in, and the token is used: no rule forbids what it allows
 *   (name, key, clock, protocol)          ─▶ no token  ─▶ rule: admit · ask · refuse
 *
 * One entry does it all, so that a token admits one machine even when two show it at once. Whoever was let in and did
 * not hear the answer asks again and is told the same.
 */
import { idOf, type AnyDraft } from '#events/envelope.ts';
import { clockToleranceMs, clockWords } from '#events/values/clock.ts';
import type { NodeRole, VersionRange } from '#events/values/peer.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import { judge } from '../cluster/bouncer.ts';
import type { Token } from '../cluster/machine.ts';
import { clusterStream } from '../cluster/stream.ts';
import { openToken } from '../cluster/tokens.ts';
import type { Commands, Decisions } from '../commands.ts';
import { draft, drafts, newMetadata, systemNamespace, unchanged, withNamed } from '../drafting.ts';
import { foldVersionIn } from '../libraries.ts';
import { reject, type Rejection } from '../rejection.ts';
import { isIn, overlap, protocolVersions, rangeWords } from '../versions.ts';
import { isAway, isDeparting, isLight } from './known.ts';

type Admission = Commands['admit-node'];
type Newcomer = Pick<
  Admission,
  'incarnation' | 'name' | 'addresses' | 'port' | 'keySha256' | 'facts' | 'protocol' | 'clock'
>;
type Refusal = { readonly rejected: Rejection };

/** How many may stand at the door: anybody who reaches a node can ask. */
const mostWaiting = 50;

/** What a machine can that does not say: it is of the time before there was anything to say. */
const saidByNobody: VersionRange = { min: 1, max: 1 };

const govern = () => ({ verb: 'govern', kind: 'node' }) as const;

export const admissionDecisions: Decisions<'admit-node' | 'approve-node' | 'refuse-node' | 'replace-incarnation'> = {
  'admit-node': { scope: govern, decide: admit },

  'approve-node': {
    scope: () => ({ verb: 'write', kind: 'node' }),
    decide: ({ input }, lab) =>
      withWaiting(lab, input.name, (node) =>
        node.context.approved ? unchanged : drafts(draft(node.stream, 'node.approved', {})),
      ),
  },

  'refuse-node': {
    scope: () => ({ verb: 'write', kind: 'node' }),
    decide: ({ input: { name, ...why } }, lab) =>
      withWaiting(lab, name, (node) => drafts(draft(node.stream, 'node.refused', why))),
  },

  'replace-incarnation': { scope: govern, decide: replace },
};

function withWaiting(lab: LabView, name: string, then: (node: ActorState<'node'>) => Decision): Decision {
  return withNamed(lab, 'node', { namespace: systemNamespace, name }, (node) =>
    node.state === 'waiting' ? then(node) : reject('NOT_NOW', `Node ${name} is in the lab already.`),
  );
}

function admit({ input, now }: Ask<Admission>, lab: LabView): Decision {
  const known = lab.get(input.node);
  const stranger = refuseKnown(input, known, lab) ?? refuseUnfit(input, now, lab);
  if (stranger) return stranger;
  if (known && known.state !== 'waiting') return unchanged;
  const named = lab.byName('node', systemNamespace, input.name);
  if (named && named.stream !== input.node) return nameTaken(named);

  if (!input.token) return known ? admitKnown(input, known) : admitByRules(input, lab);
  const opened = openToken(input.token, lab, now);
  if ('rejected' in opened) return opened;
  const { replaces } = opened.token;
  if (replaces !== null) {
    return reject(
      'TOKEN_UNKNOWN',
      `This token lets the successor of node ${replaces} in, and no new node.`,
      `Join under the name of the node that is replaced (--name ${replaces}), or make a token without --replaces.`,
    );
  }
  // Rules are for machines without a token.
  const refused = refuseLight(input, roleOf(input, opened.token));
  if (refused) return refused;
  return drafts(
    joined(input, opened.token),
    draft(clusterStream, 'cluster.token-used', { token: input.token.id, node: input.node }),
  );
}

/** Without a token: an administrator has said yes meanwhile, or has not answered yet. */
const admitKnown = (input: Admission, known: ActorState<'node'>): Decision =>
  known.context.approved ? drafts(joined(input)) : unchanged;

function admitByRules(input: Admission, lab: LabView): Decision {
  const refused = refusedByRule(input, lab);
  if (refused) return refused;
  if (verdictOn(input, lab).do === 'admit') return drafts(joined(input));
  if (input.again) {
    return reject(
      'NODE_REFUSED',
      `Node ${input.name} was not let in.`,
      'Ask an administrator of the lab for a token: floatlab node token.',
    );
  }
  if (lab.list('node').filter(({ state }) => state === 'waiting').length >= mostWaiting) {
    return reject(
      'TOO_MANY',
      `${mostWaiting} nodes wait to be let in already.`,
      'An administrator lets them in or sends them away first; a node with a token does not wait.',
    );
  }
  return drafts(draft(input.node, 'node.asked-to-join', { ...newcomerOf(input), ...identityOf(input) }));
}

/** Keys and incarnations prove who it is: what does not fit is another machine, or a copy of one. */
function refuseKnown(input: Admission, known: ActorState<'node'> | undefined, lab: LabView): Refusal | undefined {
  const name = known?.context.metadata.name;
  if (known && known.context.keySha256 !== input.keySha256) {
    return reject(
      'NODE_KNOWN',
      `The id of this node belongs to ${name}, which proves itself by another key.`,
      'Was its data directory copied to this machine? Begin with an empty one: it gets an id of its own.',
    );
  }
  if (known && known.state !== 'waiting' && known.context.incarnation !== input.incarnation) {
    return reject(
      'NODE_KNOWN',
      `Node ${name} is in the lab with another disk: it has lost what it had promised, or this is an old copy of it.`,
      `If its disk is lost, make a token for its successor: floatlab node token --replaces ${name}.`,
    );
  }
  const twin = lab
    .list('node')
    .find(({ stream, context }) => stream !== input.node && context.keySha256 === input.keySha256);
  if (!twin) return undefined;
  return reject(
    'NODE_KNOWN',
    `Node ${twin.context.metadata.name} proves itself by the same key; each machine has its own.`,
    'Was its data directory copied to this machine? Begin with an empty one.',
  );
}

/** What no token and no rule makes good. */
function refuseUnfit({ name, clock, protocol, facts }: Newcomer, now: number, lab: LabView): Refusal | undefined {
  const aheadMs = clock - now;
  if (Math.abs(aheadMs) > clockToleranceMs) {
    return reject(
      'CLOCK_WRONG',
      `The clock of ${name} is ${clockWords(aheadMs)}.`,
      'Set it (timedatectl set-ntp true), then join again.',
    );
  }
  const fold = foldVersionIn(lab);
  const folds = facts.supports?.fold ?? saidByNobody;
  if (!isIn(fold, folds)) {
    return reject(
      'FOLD_UNSUPPORTED',
      `Node ${name} (FloatLab ${facts.version}) folds events by version ${rangeWords(folds)}; ` +
        `this lab folds by ${fold}.`,
      fold > folds.max ? `Upgrade FloatLab on ${name}.` : 'Upgrade the nodes of the lab first.',
    );
  }
  if (overlap(protocol, protocolVersions)) return undefined;
  const isOld = protocol.max < protocolVersions.min;
  return reject(
    'PROTOCOL_UNSUPPORTED',
    `Node ${name} (FloatLab ${facts.version}) speaks version ${rangeWords(protocol)} of the protocol between nodes; ` +
      `this lab speaks ${rangeWords(protocolVersions)}.`,
    isOld ? `Upgrade FloatLab on ${name}.` : 'Upgrade the nodes of the lab first.',
  );
}

/** A machine that was started as a witness is one, whatever the token says. */
function refuseLight({ name, facts }: Pick<Newcomer, 'name' | 'facts'>, role: NodeRole): Refusal | undefined {
  if (role === 'witness' || !isLight(facts)) return undefined;
  return reject(
    'WITNESS_ONLY',
    `Node ${name} was started with --witness: it has neither a container engine nor a pool, and can only vote. ` +
      `It was to be ${role === 'learner' ? 'a learner, which runs apps' : 'a node that runs apps'}.`,
    'Join without --witness, or with a token for a witness: floatlab node token --role witness.',
  );
}

function nameTaken({ state, context }: ActorState<'node'>): Refusal {
  const { name } = context.metadata;
  const also = isAway({ state }) ? ` If this machine takes its place: floatlab node token --replaces ${name}.` : '';
  return reject(
    'NAME_TAKEN',
    state === 'waiting' ? `A node ${name} waits to be let in already.` : `There is already a node ${name}.`,
    `Join under another name: floatlabd --join … --name ${name}-2.${also}`,
  );
}

const verdictOn = ({ name, addresses, from, labels }: Admission, lab: LabView) =>
  judge(lab.get(clusterStream)?.context.bouncer ?? [], {
    name,
    addresses: from === undefined ? addresses : [from],
    labels,
  });

function refusedByRule(input: Admission, lab: LabView): Refusal | undefined {
  const { do: verdict, rule } = verdictOn(input, lab);
  if (verdict !== 'refuse') return undefined;
  return reject(
    'NODE_REFUSED',
    `Rule ${rule} of the lab's bouncer lets node ${input.name} not in.`,
    'An administrator of the lab can change the rules.',
  );
}

/** The token's word counts for more than what the machine says of itself. */
const joined = (input: Admission, token?: Pick<Token, 'role' | 'labels'>): AnyDraft =>
  draft(input.node, 'node.joined', {
    ...newcomerOf(input, token),
    ...identityOf(input),
  });

const identityOf = ({ keySha256, incarnation, port }: Newcomer) => ({ keySha256, incarnation, port });

function newcomerOf(input: Admission, token?: Pick<Token, 'role' | 'labels'>) {
  const { node, name, addresses, facts } = input;
  const labels = { ...input.labels, ...token?.labels };
  return {
    metadata: newMetadata(idOf(node), name, systemNamespace, labels),
    addresses,
    facts,
    role: roleOf(input, token),
  };
}

const roleOf = ({ role }: Pick<Admission, 'role'>, token?: Pick<Token, 'role'>): NodeRole =>
  token === undefined || token.role === 'any' ? role : token.role;

/**
 * A node whose disk is lost comes back with nothing, under its old name. Its token was made for just that, or it still
 * proves itself by its key. It must be down: a node that answers has not lost its disk.
 */
function replace({ input, now }: Ask<Commands['replace-incarnation']>, lab: LabView): Decision {
  return withNamed(lab, 'node', { namespace: systemNamespace, name: input.name }, (node) => {
    const { context, stream, state } = node;
    if (context.incarnation === input.incarnation && context.keySha256 === input.keySha256) return unchanged;
    const unfit = refuseUnfit(input, now, lab);
    if (unfit) return unfit;
    const opened = openToken(input.token, lab, now);
    if ('rejected' in opened) return opened;
    const refused = refuseSuccessor(input, opened.token, node, lab) ?? refuseLight(input, context.role);
    if (refused) return refused;
    if (isDeparting(node)) {
      return reject(
        'NOT_NOW',
        `Node ${input.name} is on its way out of the lab: it cannot be replaced.`,
        'Join with a token for a new node: floatlab node token.',
      );
    }
    if (!isAway(node)) {
      return reject(
        'NOT_NOW',
        `Node ${input.name} is ${state}; only a node that is down or stopped is replaced.`,
        'Stop the old machine; the lab notices within seconds.',
      );
    }
    if (context.incarnation === input.incarnation) {
      return reject('INVALID', `Node ${input.name} comes back with its old incarnation.`, 'Draw a new one.');
    }
    const { incarnation, keySha256, addresses, port, facts } = input;
    return drafts(
      draft(stream, 'node.replaced', { incarnation, keySha256, addresses, port, facts }),
      draft(clusterStream, 'cluster.token-used', { token: input.token.id, node: stream }),
    );
  });
}

function refuseSuccessor(
  { name, keySha256 }: Newcomer,
  { replaces }: Token,
  { stream, context }: ActorState<'node'>,
  lab: LabView,
): Refusal | undefined {
  const provesItself = context.keySha256 === keySha256;
  if (replaces === name || (replaces === null && provesItself)) {
    const twin = lab.list('node').find((other) => other.stream !== stream && other.context.keySha256 === keySha256);
    return (
      twin &&
      reject(
        'NODE_KNOWN',
        `Node ${twin.context.metadata.name} proves itself by the same key; each machine has its own.`,
        'Begin with an empty data directory.',
      )
    );
  }
  return reject(
    'TOKEN_UNKNOWN',
    replaces === null
      ? `This token admits a new node; nobody may take the place of node ${name} with it.`
      : `This token is for the successor of node ${replaces}, not of ${name}.`,
    `Make one for it: floatlab node token --replaces ${name}.`,
  );
}
