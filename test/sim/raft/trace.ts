/** What happened, as lines that a person can read, and as one number by which two runs can be compared. */
import type { Message } from '#events/raft/message.ts';
import type { Checker } from './checkers/checker.ts';

export class Trace {
  readonly checker: Checker;
  readonly #nowMs: () => number;
  readonly #log: ((line: string) => void) | undefined;
  #hash = 0;

  constructor(nowMs: () => number, log: ((line: string) => void) | undefined) {
    this.#nowMs = nowMs;
    this.#log = log;
    this.checker = {
      sent: (_, message) => {
        this.#mix(message.term * 31 + message.type.length);
        if (log) this.#print(show(message));
      },
      stored: (member, { hardState, entries, snapshot, suspicion }) => {
        this.#mix(entries.length);
        if (!log) return;
        const parts = [
          snapshot && `a snapshot at ${snapshot.index}`,
          hardState && `term ${hardState.term}, vote ${hardState.vote ?? 'none'}`,
          entries.length > 0 && `entries ${entries[0]?.index}–${entries.at(-1)?.index}`,
          suspicion &&
            `suspicion ${suspicion === 'cleared' ? 'cleared' : `${suspicion.lastTerm}/${suspicion.lastIndex}`}`,
        ];
        this.#print(`${member.id} has on its disk: ${parts.filter(Boolean).join('; ') || 'nothing new'}`);
      },
      applied: (member, entries) => {
        this.#mix(entries.at(-1)?.index ?? 0);
        if (log) this.#print(`${member.id} applies ${entries[0]?.index}–${entries.at(-1)?.index}`);
      },
      leadership: (member, { role, term, leader, possibleLoss }) => {
        this.#mix(term);
        if (log)
          this.#print(
            `${member.id} is ${role} in term ${term}${leader ? `, led by ${leader}` : ''}${possibleLoss ? ', perhaps with losses' : ''}`,
          );
      },
      readRefused: (member, request) => {
        if (log) this.#print(`${member.id} refuses read ${request}`);
      },
      read: (member, request, index) => {
        this.#mix(index);
        if (log) this.#print(`${member.id} answers read ${request} as of ${index}`);
      },
    };
  }

  get hash(): number {
    return this.#hash;
  }

  /** Part of the trace, whether somebody listens or not. */
  say(line: string): void {
    for (let i = 0; i < line.length; i++) this.#mix(line.charCodeAt(i));
    this.#mix(Math.floor(this.#nowMs() * 1000));
    this.#print(line);
  }

  #print(line: string): void {
    this.#log?.(`${(this.#nowMs() / 1000).toFixed(4).padStart(9)} ${line}`);
  }

  /** FNV-1a over numbers. */
  #mix(number: number): void {
    this.#hash = Math.imul(this.#hash ^ 0x811c9dc5 ^ number, 0x01000193) >>> 0;
  }
}

function show(message: Message): string {
  const { type, from, to, term } = message;
  return `${from} → ${to} ${type} term ${term} ${details(message)}`;
}

function details(message: Message): string {
  switch (message.type) {
    case 'pre-vote':
    case 'vote':
      return `log ${message.lastTerm}/${message.lastIndex}${message.transfer ? ' (transfer)' : ''}`;
    case 'pre-vote-response':
    case 'vote-response':
      return `${message.granted ? 'granted' : 'refused'}${message.suspect ? ' (suspect)' : ''}`;
    case 'append': {
      const { prevIndex, prevTerm, entries, commit } = message;
      return `after ${prevTerm}/${prevIndex}: ${entries.map((entry) => `${entry.term}/${entry.index}`).join(' ')} commit ${commit}`;
    }
    case 'append-response':
      return message.hint
        ? `rejects ${message.index}, hint ${message.hint.term}/${message.hint.index}`
        : `has ${message.index}`;
    case 'heartbeat':
      return `commit ${message.commit} token ${message.token}`;
    case 'heartbeat-response':
      return `token ${message.token} log ${message.lastTerm}/${message.lastIndex}`;
    case 'snapshot':
      return `at ${message.snapshot.term}/${message.snapshot.index}`;
    case 'timeout-now':
      return '';
    case 'read':
      return message.request;
    case 'read-response':
      return `${message.request} as of ${message.index}`;
    case 'read-refusal':
      return `${message.request}: ${message.why}`;
  }
}
