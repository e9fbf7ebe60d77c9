/** Changes of the membership in words: `add-voter 4 remove 1 explicit`, or `leave`. */
import { leaveJoint, type Change, type ChangeStep } from '#events/raft/configuration.ts';
import { asPeer } from '#events/raft/entry.ts';
import type { Words } from './words.ts';

const deeds = ['add-voter', 'add-learner', 'remove'] as const;
const transitions = ['auto', 'implicit', 'explicit'] as const;

export function changeOf(words: Words): Change {
  if (words.flag('leave')) return leaveJoint;
  const transition = transitions.find((name) => words.flag(name)) ?? 'auto';
  const steps: ChangeStep[] = [];
  while (words.hasNext) {
    const word = words.next('what to change');
    const deed = deeds.find((name) => name === word);
    if (!deed) throw new Error(`${word} is no change`);
    steps.push({ do: deed, peer: asPeer(words.next('who')) });
  }
  return { steps, transition };
}
