/** A lab with a door, and machines before it. */
import type { CommandInputs } from '#actors/commands.ts';
import { newcomer } from '#test/golden/history.ts';
import { TestLab } from './test-lab.ts';

export const sha = (digit: string): string => digit.repeat(64);

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

export class Door {
  readonly lab: TestLab;

  constructor(lab = TestLab.ready()) {
    this.lab = lab;
  }

  token(tokenId: string, more: Partial<CommandInputs['issue-token']> = {}): { id: string; hash: string } {
    const hash = sha('e');
    this.lab.must('issue-token', { tokenId, hash, ...more });
    return { id: tokenId, hash };
  }

  /** What a machine says at the door; its key is of one digit. */
  asks(name: string, digit: string, more: Partial<CommandInputs['admit-node']> = {}): CommandInputs['admit-node'] {
    return { node: `node:${name}`, ...newcomer(name, digit), clock: this.lab.now, token: null, ...more };
  }

  admit(name: string, digit: string, more: Partial<CommandInputs['admit-node']> = {}) {
    return this.lab.run('admit-node', this.asks(name, digit, more), 'system:join');
  }

  types(name: string, digit: string, more: Partial<CommandInputs['admit-node']> = {}): readonly string[] {
    const { events, rejected } = this.admit(name, digit, more);
    if (rejected) throw new Error(rejected.explain);
    return events.map(({ type }) => type);
  }

  /** A node that came in by a token. */
  member(name: string, digit: string, more: Partial<CommandInputs['admit-node']> = {}): void {
    const token = this.token(`for-${name}`);
    this.types(name, digit, { token, ...more });
  }

  down(name: string): void {
    this.lab.must('report-node-down', { node: `node:${name}`, lastSeenAt: this.lab.now }, 'policy:liveness');
  }

  /** The consensus group is made of the present incarnations of these. */
  votes(...names: readonly string[]): void {
    const voters = names.map((name) => `${name}.${this.node(name)?.context.incarnation ?? 'none'}`);
    this.lab.must('record-members', { voters, learners: [], generation: 1 }, 'system:raft');
  }

  node(name: string) {
    return this.lab.lab.byName('node', 'system', name);
  }
}
