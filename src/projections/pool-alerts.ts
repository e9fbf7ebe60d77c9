/**
 * What is wrong with pools, each with the one command that repairs it. Nobody has to do anything about a disk that is
 * being filled, so nothing is said of it.
 */
import type { ActorState, LabView } from '#actors/actor.ts';
import { isAway } from '#actors/node/known.ts';
import { poolTitle } from '#actors/pool/stream.ts';
import { hintThen } from '#actors/volume/mending.ts';
import type { PoolProblem, PoolProblemCode } from '#events/pool.ts';
import type { Alert, AlertRow } from './alerts.ts';

export const poolRules = [
  'pool-failed',
  'pool-missing',
  'pool-unavailable',
  'pool-degraded',
  'pool-errors',
  'pool-lost-data',
  'pool-unscrubbed',
  'disk-failing',
  'disk-hot',
  'changes-untold',
] as const;

/** Which alert tells a problem; null: it needs nobody, or another alert tells it. */
const ruleOf: Readonly<Record<PoolProblemCode, (typeof poolRules)[number] | null>> = {
  'pool-missing': 'pool-missing',
  'pool-silent': 'pool-unavailable',
  'pool-stopped': 'pool-unavailable',
  'pool-unavailable': 'pool-unavailable',
  'pool-read-only': 'pool-unavailable',
  'data-lost': 'pool-lost-data',
  'device-failed': 'pool-degraded',
  'device-offline': 'pool-degraded',
  'device-errors': 'pool-errors',
  'spare-in-use': 'pool-degraded',
  'spare-failed': 'pool-degraded',
  resilvering: null,
  'mixed-redundancy': 'pool-degraded',
  'scrub-old': 'pool-unscrubbed',
  'scrub-paused': 'pool-unscrubbed',
  // Told by `pool-full`, from the figures that all pools have.
  'nearly-full': null,
  'disk-failing': 'disk-failing',
  'disk-worn': 'disk-failing',
  'disk-hot': 'disk-hot',
};

/** Of a pool there may be several alerts of one rule: by what is wrong with what. */
export const poolParts = (pool: ActorState<'pool'>): readonly string[] => [
  ...(pool.context.status?.problems.map(partOf) ?? []),
  wholePool,
];

const wholePool = 'pool';
const partOf = ({ code, device }: PoolProblem): string => (device === undefined ? code : `${code} ${device}`);

export function poolAlerts(pool: ActorState<'pool'>, lab: LabView): readonly Alert[] {
  const { context, state } = pool;
  const title = poolTitle(pool, lab);
  const node = lab.get(context.node);
  // Of a node that does not answer nobody knows more.
  if (node && isAway(node)) return [];
  if (state === 'failed' && context.problem) {
    return [
      {
        rule: 'pool-failed',
        part: wholePool,
        severity: 'warning',
        message: `Pool ${title} could not be ${context.origin === 'adopted' ? 'taken over' : 'made'}: ${context.problem.message}`,
        hint: `${context.problem.hint ?? 'Mend the cause and ask for it again.'} Or let it go: floatlab pool forget ${title}.`,
      },
    ];
  }
  // What is missing is on its way back already.
  const isReplacing = state === 'replacing';
  const problems = (context.status?.problems ?? []).flatMap((problem): readonly Alert[] => {
    const rule = ruleOf[problem.code];
    if (rule === null || (isReplacing && rule === 'pool-degraded')) return [];
    return [
      {
        rule,
        part: partOf(problem),
        severity: problem.severity === 'faulty' ? 'critical' : 'warning',
        message: `${nodeWords(node)}${problem.text}`,
        hint: hintOf(problem, title, lab, pool),
      },
    ];
  });
  return [...problems, ...untoldAlerts(pool, title)];
}

/** Of one that is not there at all that is said already. */
const untoldAlerts = ({ context: { untold, status } }: ActorState<'pool'>, title: string): readonly Alert[] =>
  untold === null || status?.state === 'unavailable'
    ? []
    : [
        {
          rule: 'changes-untold',
          part: wholePool,
          severity: 'critical',
          message: `Pool ${title} does not say what has changed: nothing in it is snapshotted because of that, and nobody knows how far replicas are behind. ${untold.message}`,
          hint: hintThen(untold, `floatlab pool show ${title}`),
        },
      ];

const nodeWords = (node: ActorState<'node'> | undefined): string =>
  node === undefined ? '' : `On node ${node.context.metadata.name}: `;

/** The command first; what has to be done by hand before it, in words. */
function hintOf(problem: PoolProblem, title: string, lab: LabView, { context }: ActorState<'pool'>): string {
  const node = lab.get(context.node)?.context.metadata.name ?? context.node;
  const { device = 'DEVICE' } = problem;
  switch (problem.code) {
    case 'device-failed':
    case 'disk-failing':
    case 'disk-worn':
      return `Replace it: floatlab pool replace ${title} ${device} --by NEW. floatlab pool candidates ${node} shows what is free.`;
    case 'device-errors':
      return `See whether more come: floatlab pool scrub ${title}. If they do: floatlab pool replace ${title} ${device} --by NEW. If not: floatlab pool clear ${title}.`;
    case 'scrub-old':
    case 'scrub-paused':
      return `Scrub it: floatlab pool scrub ${title}.`;
    case 'pool-stopped':
      return `Look at cables and power, then: floatlab pool clear ${title}. If it is gone for good, give it up with its volumes: floatlab pool forget ${title} --force.`;
    case 'pool-missing':
    case 'pool-unavailable':
      return `${problem.repair} If it is gone for good, give it up with its volumes: floatlab pool forget ${title} --force.`;
    case 'pool-read-only':
      return `See with dmesg what happened, then: floatlab pool clear ${title}.`;
    default:
      return problem.repair;
  }
}

/** The part of an alert's id, for rules that have several. */
export const isPoolRule = (rule: AlertRow['rule']): boolean => (poolRules as readonly string[]).includes(rule);
