/**
 * What a leader of the simulated group does with leases, without any sense: takes nodes for dead and back, lets them
 * have long leases and no more. It only keeps to what `events/lease/grantor.ts` demands of whoever acts on it.
 */
import type { SeededRandom } from '#io/devices/random/sim.ts';
import type { LeaseMachine, Process } from './machine.ts';
import { packRuling, type Ruling } from './rulings.ts';

type Doing = 'refusing' | 'fencing' | 'curtailing' | 'shortening';

export class LeasePolicy {
  readonly #random: SeededRandom;
  readonly #nodes: readonly string[];
  readonly #say: (line: string) => void;
  readonly #onShorten: (node: string) => void;
  /** Of each process and term. */
  readonly #doings = new Map<string, Map<string, Doing>>();
  /** Only what was begun is ended, and everybody comes back. */
  isCalm = false;

  constructor(
    random: SeededRandom,
    nodes: readonly string[],
    say: (line: string) => void,
    onShorten: (node: string) => void,
  ) {
    this.#random = random;
    this.#nodes = nodes;
    this.#say = say;
    this.#onShorten = onShorten;
  }

  act(machine: LeaseMachine): void {
    const { process } = machine;
    const term = process?.grantor.term;
    const { member } = process ?? {};
    if (!process || term === undefined || !member?.isAlive || member.isPaused) return;
    // Only who knows what was decided before it decides.
    if (process.openTerm !== term || member.raft.status.term !== term) return;
    const key = `${member.id} ${term} ${process.applied > 0}`;
    const doings = this.#doings.get(key) ?? new Map<string, Doing>();
    this.#doings.set(key, doings);
    for (const node of this.#nodes) this.#consider(node, machine, process, term, doings);
  }

  #consider(
    node: string,
    { clock, name }: LeaseMachine,
    process: Process,
    term: number,
    doings: Map<string, Doing>,
  ): void {
    const { grantor, fenced, longer } = process;
    const propose = (ruling: Ruling): void => {
      this.#say(`${name} proposes to ${ruling.do} ${node}`);
      process.member?.do((raft) => {
        const made = raft.status.term === term ? raft.propose([packRuling(ruling)]) : undefined;
        if (made && !('refused' in made)) return;
        doings.delete(node);
        if (ruling.do === 'fence') grantor.allow(node);
      });
    };
    const may = (chance: number): boolean => !this.isCalm && this.#random.chance(chance);
    switch (doings.get(node)) {
      case 'refusing':
        if (this.isCalm || this.#random.chance(0.02)) {
          doings.delete(node);
          return grantor.allow(node);
        }
        if (grantor.mayBeHeld(node, clock.nowMs)) return undefined;
        doings.set(node, 'fencing');
        return propose({ do: 'fence', node });
      case 'fencing':
        if (!fenced.has(node)) return undefined;
        doings.delete(node);
        return grantor.allow(node);
      case 'curtailing':
        if (clock.nowMs < (grantor.longLeaseBy(node) ?? Number.POSITIVE_INFINITY)) return undefined;
        doings.set(node, 'shortening');
        this.#onShorten(node);
        return propose({ do: 'shorten', node });
      case 'shortening':
        if (!longer.has(node)) doings.delete(node);
        return undefined;
      case undefined:
        if (fenced.has(node)) return this.isCalm || may(0.2) ? propose({ do: 'allow', node }) : undefined;
        if (may(0.03)) {
          doings.set(node, 'refusing');
          return grantor.refuse(node);
        }
        if (!longer.has(node)) return may(0.02) ? propose({ do: 'lengthen', node }) : undefined;
        if (!may(0.05)) return undefined;
        doings.set(node, 'curtailing');
        return grantor.curtail(node);
    }
  }
}
