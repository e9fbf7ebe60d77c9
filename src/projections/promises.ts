/**
 * What a lab of this size can bear and what it cannot, in words: said before it matters, on the overview and by
 * `floatlab cluster status`.
 */
import type { Node } from '#actors/node/machine.ts';
import { wantedVoters } from '#actors/placement/voters.ts';

export interface LabSize {
  /** Nodes that run apps. */
  readonly machines: number;
  /** Nodes that vote and run no apps. */
  readonly witnesses: number;
  /** Nodes that may vote, witnesses among them. */
  readonly eligible: number;
  /** Nodes that vote; a lab without a consensus group has one. */
  readonly voters: number;
  /** Machines whose volumes are plain folders, and nothing else. */
  readonly plain?: number;
}

/** How many voters may fail at once while the lab goes on deciding. */
export const toleranceOf = (voters: number): number => Math.floor((Math.max(1, voters) - 1) / 2);

export const promisesOf = (size: LabSize): readonly string[] => [...sizePromises(size), ...plainWords(size)];

/** Its volumes are plain folders, and nothing else: there was nothing better at its first start. */
export const isPlain = ({ role, facts }: Node): boolean =>
  role !== 'witness' && facts.pools.length > 0 && facts.pools.every(({ driver }) => driver === 'dir');

/** Where there is neither btrfs nor zfs. */
function plainWords({ machines, plain = 0 }: LabSize): readonly string[] {
  if (plain === 0) return [];
  const who =
    machines === 1
      ? 'The machine keeps'
      : plain === machines
        ? 'All machines keep'
        : `${capital(numberWord(plain))} of ${numberWord(machines)} machines ${plain === 1 ? 'keeps' : 'keep'}`;
  return [
    `${who} volumes as plain folders, for want of btrfs and zfs: their sizes are not enforced, and each snapshot is a copy.`,
  ];
}

function sizePromises({ machines, witnesses, eligible, voters }: LabSize): readonly string[] {
  const nodes = machines + witnesses;
  if (nodes <= 1) {
    return [
      'One machine: what is on it has no second copy in the lab, and its apps stop with it.',
      'A second machine can hold copies; with a third, or a witness, the lab also decides without any one of them.',
    ];
  }
  return [...decisionWords(nodes, voters), ...growthWords(eligible, voters), ...machineWords(machines)];
}

function decisionWords(nodes: number, voters: number): readonly string[] {
  if (voters <= 1) {
    return [
      `One of ${numberWord(nodes)} nodes decides: while it is away nothing in the lab changes, and no app moves by itself.`,
      ...(nodes === 2 ? ['A witness (any small board) or a third machine makes it three that decide.'] : []),
    ];
  }
  const borne = toleranceOf(voters);
  if (borne === 0) {
    return [`${capital(numberWord(voters))} nodes decide, and both must answer: nothing changes while one is away.`];
  }
  const most = borne === 1 ? 'any one of them' : `any ${numberWord(borne)} of them`;
  const who = `${capital(numberWord(voters))} nodes decide`;
  return [`${who}: the lab goes on without ${most}, and decides nothing without ${numberWord(borne + 1)}.`];
}

function growthWords(eligible: number, voters: number): readonly string[] {
  const wanted = wantedVoters(eligible);
  if (wanted <= Math.max(1, voters)) return [];
  return [`${capital(numberWord(wanted))} nodes will decide as soon as the new ones have the whole log.`];
}

/** Several machines are no promise by themselves: who has them expects that apps and data survive the loss of one. */
const machineWords = (machines: number): readonly string[] => [
  machines === 1
    ? 'One machine runs apps: without it none of them runs, and its volumes have no second copy.'
    : 'Apps do not move by themselves yet. A volume without a replica has one copy in the lab: it is lost with its machine.',
];

const numbers = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'] as const;
const numberWord = (count: number): string => numbers[count] ?? String(count);
const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);
