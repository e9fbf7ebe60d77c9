/** The commands of scripts about quorums; each answer is also asked of the slow oracle. */
import { noMembers } from '#events/raft/configuration.ts';
import type { PeerId } from '#events/raft/entry.ts';
import { electionOf, reached } from '#events/raft/quorum.ts';
import { electionSlowly, reachedSlowly } from './quorum-oracle.ts';
import type { Interpreter } from './script.ts';
import { numberOf, Words } from './words.ts';

export function quorumInterpreter(): Interpreter {
  return (line) => {
    const words = new Words(line);
    const voters = words.peersNamed('voters') ?? [];
    const outgoing = words.peersNamed('outgoing') ?? [];
    const halves = { ...noMembers, voters, outgoing };
    const said = new Map<PeerId, string>();
    for (const peer of new Set([...voters, ...outgoing, ...(words.peersNamed('others') ?? [])])) {
      const word = words.named(peer);
      if (word !== undefined) said.set(peer, word);
    }
    words.end();
    if (words.verb === 'commit') {
      const numbers = mapped(said, numberOf);
      const index = reached(halves, (peer) => numbers.get(peer));
      return answered(said, index, reachedSlowly(halves, numbers));
    }
    if (words.verb !== 'vote') throw new Error(`there is no command ${words.verb}`);
    const votes = mapped(said, isGranted);
    const outcome = electionOf(halves, (peer) => votes.get(peer));
    return answered(said, outcome, electionSlowly(halves, votes));
  };
}

function isGranted(word: string): boolean {
  if (word !== 'yes' && word !== 'no') throw new Error(`${word} is neither yes nor no`);
  return word === 'yes';
}

const mapped = <T>(from: ReadonlyMap<PeerId, string>, as: (word: string) => T): ReadonlyMap<PeerId, T> =>
  new Map([...from].map(([peer, word]) => [peer, as(word)]));

/** What was said, and what follows. */
function answered(said: ReadonlyMap<PeerId, string>, answer: number | string, oracle: number | string): string[] {
  if (answer !== oracle) throw new Error(`answered ${answer}; by definition it is ${oracle}`);
  const words = [...said].map(([peer, word]) => `${peer}=${word}`).join(' ');
  return [`${words || 'nothing said'}: ${answer === Number.POSITIVE_INFINITY ? 'everything' : answer}`];
}
