/** The replicated state of a simulated group: registers that clients write, compare and read; exactly once. */
import { Sessions, type SessionRows } from '#events/raft/sessions.ts';

/** The client's name is for those who watch; what counts is its session. */
export type Command = { readonly client: string } & ({ readonly do: 'open' } | Write | CompareAndSet);
export type NumberedCommand = Exclude<Command, { readonly do: 'open' }>;

interface Numbered {
  /** Index of the entry that opened it. */
  readonly session: number;
  readonly sequence: number;
}

interface Write extends Numbered {
  readonly do: 'write';
  readonly key: string;
  readonly value: string;
}

interface CompareAndSet extends Numbered {
  readonly do: 'cas';
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

export type Result = 'done' | 'unequal' | 'expired' | 'outdated';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const packCommand = (command: Command): Uint8Array => encoder.encode(JSON.stringify(command));
export const unpackCommand = (bytes: Uint8Array): Command => JSON.parse(decoder.decode(bytes)) as Command;

/** A copy of all state, as a snapshot holds it. Never changed. */
export interface RegistersContent {
  readonly registers: readonly (readonly [key: string, value: string])[];
  readonly sessions: SessionRows<Result>;
  readonly hash: number;
}

export const emptyRegisters: RegistersContent = { registers: [], sessions: [], hash: 0 };

const sessionLimit = 6;

export class Registers {
  readonly #registers: Map<string, string>;
  readonly #sessions: Sessions<Result>;
  #hash: number;

  constructor(content: RegistersContent) {
    this.#registers = new Map(content.registers);
    this.#sessions = new Sessions(sessionLimit, content.sessions);
    this.#hash = content.hash;
  }

  /** Of all that ever took effect, in its order. */
  get hash(): number {
    return this.#hash;
  }

  get(key: string): string {
    return this.#registers.get(key) ?? '';
  }

  /** @param effect hears of each command that takes effect: not of those that were known already */
  apply(command: Command, index: number, effect: (command: NumberedCommand) => void): Result {
    if (command.do === 'open') {
      this.#sessions.open(index);
      return 'done';
    }
    const verdict = this.#sessions.judge(command.session, command.sequence);
    if (verdict === 'expired' || verdict === 'outdated') return verdict;
    if (verdict !== 'new') return verdict.result;
    const result = this.#take(command);
    this.#sessions.record(command.session, command.sequence, result);
    this.#mix(`${command.client}/${command.sequence}/${result}`);
    effect(command);
    return result;
  }

  content(): RegistersContent {
    return { registers: [...this.#registers], sessions: this.#sessions.rows(), hash: this.#hash };
  }

  #take(command: Write | CompareAndSet): Result {
    if (command.do === 'cas' && this.get(command.key) !== command.from) return 'unequal';
    this.#registers.set(command.key, command.do === 'cas' ? command.to : command.value);
    return 'done';
  }

  /** FNV-1a. */
  #mix(text: string): void {
    let hash = this.#hash ^ 0x811c9dc5;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    this.#hash = hash | 0;
  }
}
