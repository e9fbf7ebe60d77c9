/** What scripts show, one line each. Nothing here knows what is right. */
import type { Change, Configuration } from '#events/raft/configuration.ts';
import type { Entry } from '#events/raft/entry.ts';
import type { Message } from '#events/raft/message.ts';
import type { Progress } from '#events/raft/progress.ts';
import type { Leadership, StoreJob } from '#events/raft/ready.ts';
import type { Raft } from '#events/raft/raft.ts';
import type { Watermark } from '#events/raft/state.ts';

interface Place {
  readonly index: number;
  readonly term: number;
}

/** `12@3`: index 12 of term 3. */
export const placed = ({ index, term }: Place): string => `${index}@${term}`;

export function entryLine(entry: Entry): string {
  if (entry.type === 'empty') return `${placed(entry)} empty`;
  if (entry.type === 'change') return `${placed(entry)} ${changeLine(entry.change)}`;
  return entry.data.length === 0 ? placed(entry) : `${placed(entry)} "${textOf(entry.data)}"`;
}

export const entriesLine = (entries: readonly Entry[]): string => entries.map(entryLine).join(', ');

const textOf = (data: Uint8Array): string => {
  const text = new TextDecoder().decode(data);
  return text.length > 20 ? `${text[0]}…×${text.length}` : text;
};

const changeLine = ({ steps, transition }: Change): string =>
  steps.length === 0 ? 'leave' : `${steps.map((step) => `${step.do} ${step.peer}`).join(' ')} (${transition})`;

export function configurationLine(configuration: Configuration): string {
  const { voters, outgoing, learners, learnersNext, autoLeave } = configuration;
  return [
    `voters ${voters.join(',') || 'none'}${outgoing.length === 0 ? '' : ` and ${outgoing.join(',')}`}`,
    learners.length > 0 && `learners ${learners.join(',')}`,
    learnersNext.length > 0 && `learners next ${learnersNext.join(',')}`,
    autoLeave && 'left by itself',
  ]
    .filter((part) => part !== false)
    .join('; ');
}

export const messageLine = (message: Message): string =>
  `${message.from}→${message.to} ${message.type} term ${message.term}${contentOf(message)}`;

function contentOf(message: Message): string {
  switch (message.type) {
    case 'pre-vote':
    case 'vote':
      return `, log ends ${message.lastIndex}@${message.lastTerm}${message.transfer ? ', asked by the leader' : ''}`;
    case 'pre-vote-response':
    case 'vote-response':
      return ` ${message.granted ? 'granted' : 'refused'}${message.suspect ? ', suspect' : ''}`;
    case 'append': {
      const { prevIndex, prevTerm, entries, commit } = message;
      const what = entries.length === 0 ? 'nothing' : entriesLine(entries);
      return `, after ${prevIndex}@${prevTerm}: ${what}; commit ${commit}`;
    }
    case 'append-response': {
      const { index, hint, suspect } = message;
      return `${hint ? ` rejects ${index}, look at ${placed(hint)}` : ` index ${index}`}${suspect ? ', suspect' : ''}`;
    }
    case 'heartbeat':
      return ` commit ${message.commit}${message.commit > 0 ? `@${message.commitTerm ?? '?'}` : ''}${tokenOf(message.token)}`;
    case 'heartbeat-response':
      return `, log ends ${message.lastIndex}@${message.lastTerm}${tokenOf(message.token)}`;
    case 'snapshot':
      return ` at ${placed(message.snapshot)}, ${configurationLine(message.snapshot.configuration)}`;
    case 'timeout-now':
      return '';
    case 'read':
      return ` ${message.request}`;
    case 'read-response':
      return ` ${message.request} at ${message.index}`;
    case 'read-refusal':
      return ` ${message.request}: ${message.why}`;
  }
}

const tokenOf = (token: number): string => (token === 0 ? '' : ` token ${token}`);

export function leadershipLine({ role, term, leader, possibleLoss }: Leadership): string {
  const whose = role !== 'follower' ? '' : leader === undefined ? ' without leader' : ` of ${leader}`;
  return `${role}${whose}, term ${term}${possibleLoss ? ', POSSIBLE LOSS' : ''}`;
}

export function jobLine({ snapshot, hardState, entries, suspicion }: StoreJob): string {
  const parts = [
    snapshot && `snapshot ${placed(snapshot)}`,
    hardState && `term ${hardState.term} vote ${hardState.vote ?? '–'} commit ${hardState.commit}`,
    suspicion && (suspicion === 'cleared' ? 'trusted again' : suspectLine(suspicion)),
    entries.length > 0 && entriesLine(entries),
  ];
  return parts.filter(Boolean).join('; ') || 'nothing';
}

const suspectLine = ({ term, lastIndex, lastTerm }: Watermark): string =>
  `suspect, once at ${lastIndex}@${lastTerm} in term ${term}`;

export function statusLine({ status, log }: Raft): string {
  const { id, role, leader, term, vote, durable, committed, applied, suspect } = status;
  const parts = [
    leadershipLine({ role: role.name, term, leader, possibleLoss: role.name === 'leader' && role.possibleLoss }),
    `vote ${vote ?? '–'}`,
    `log ${log.first > log.last ? `ends ${log.last}` : `${log.first}–${log.last}`}`,
    durable < log.last && `durable ${durable}`,
    `committed ${committed}`,
    applied < committed && `applied ${applied}`,
    suspect && suspectLine(suspect),
  ];
  return `${id} ${parts.filter(Boolean).join(', ')}`;
}

export function logLine({ status, log }: Raft): string {
  const entries = [];
  for (let index = log.first; index <= log.last; index++) entries.push(entryLine(log.at(index) as Entry));
  const base = log.first - 1;
  return `${status.id} ${base > 0 ? `after ${base}@${log.termAt(base)}: ` : ''}${entries.join(', ') || 'empty'}`;
}

export function progressLines({ status: { role } }: Raft): readonly string[] {
  if (role.name !== 'leader') return [`${role.name}: feeds nobody`];
  return [...role.peers].map(([peer, progress]) => `${peer} ${progressLine(progress)}`);
}

function progressLine({ state, match, next, snapshotIndex, isPaused, isActive, inflight }: Progress): string {
  const parts = [
    `${state} match ${match} next ${next}`,
    snapshotIndex > 0 && `snapshot ${snapshotIndex}`,
    inflight.count > 0 && `${inflight.count} under way`,
    isPaused && 'paused',
    !isActive && 'silent',
  ];
  return parts.filter(Boolean).join(', ');
}
