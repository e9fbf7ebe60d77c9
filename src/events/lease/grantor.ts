/**
 * The leader's side of leases: who may run things now, and who may still be running them.
 *
 *   renewals ─▶ waiting ─▶ one quorum round for all that wait ─▶ grants
 *                 ▲                     │ refused
 *                 └─────────────────────┘
 *
 * A machine without clock, network or consensus of its own: its driver gives it what arrives and the time, and carries
 * out the effects. The laws (numbers of the safety rules in brackets):
 *
 * - Nothing is granted, and nothing said to be over, before the leader has applied an entry of its own term and knows
 *   whom it must refuse [1], and whose lease may be longer than usual.
 * - A grant rests on a quorum round that began after its renewal arrived: no later leader had been elected then [2].
 *   So all leases of the terms before were asked for before this election, and are over `waitMs` after it. Of those
 *   this leader knows nothing more.
 * - The holder counts from when it sent, the grantor from when that arrived: the lease ends first, by any two clocks.
 * - A node that does not prove for the length of a lease that answers arrive gets no more grants [8]: it may be alive
 *   and have stopped everything, while the lab goes on waiting for it.
 * - A node that is refused gets nothing, from the moment on at which that is said, whatever is under way [1].
 *
 * `mayBeHeld` is about leases that this leader could grant or inherit. A leader that was deposed without knowing it
 * errs; so whoever acts on the answer refuses the node first, and commits the act in this term or not at all.
 */
import type { Answer, Renewal } from './message.ts';
import { waitMs, type LeaseSettings } from './settings.ts';

/** Who renews. */
export interface Renewer {
  readonly node: string;
  /** Of its disk. */
  readonly incarnation: string;
}

export type GrantorEffect =
  /** Asks consensus for a read of this name, from now on; answered by `confirmed` or `failed`. */
  | { readonly do: 'ask-round'; readonly request: string }
  | { readonly do: 'answer'; readonly to: Renewer; readonly answer: Answer };

/** What the leader can say about a node's lease. */
export interface LeaseRow {
  readonly node: string;
  readonly isRefused: boolean;
  /** When the last lease that it granted ends, if everything was quick; undefined if it granted none. */
  readonly grantedUntilMs: number | undefined;
  /** From when on no lease is out. */
  readonly expiresByMs: number;
}

/** What the log says about leases, as of what is applied here. */
export interface LeaseFacts {
  /** Nodes that were taken for dead, and are not back. */
  readonly fenced: ReadonlySet<string>;
  /**
   * The longest lease that a node may have, where that is longer than usual. It is raised by an entry, and lowered by one
   * only when no longer lease is out: the leader curtails the node, waits for `longLeaseBy`, then appends.
   */
  readonly longest: ReadonlyMap<string, number>;
}

interface Arrived {
  readonly from: Renewer;
  readonly renewal: Renewal;
  readonly arrivedMs: number;
}

/** A node that has renewed in this term. */
interface Known {
  run: number;
  sequence: number;
  /** Up to then this leader's answers are known to have arrived. */
  heardMs: number;
  grantedUntilMs: number | undefined;
  expiresByMs: number;
  /** The same of leases above the usual length. */
  longExpiresByMs: number;
}

interface Reign {
  readonly term: number;
  readonly electedMs: number;
  isOpen: boolean;
  readonly nodes: Map<string, Known>;
  readonly refused: Set<string>;
  /** Gets the usual length only. */
  readonly curtailed: Set<string>;
  waiting: Map<string, Arrived>;
  round: { readonly request: string; readonly renewals: Map<string, Arrived> } | undefined;
  beganMs: number;
}

export class LeaseGrantor {
  readonly #settings: LeaseSettings;
  readonly #name: string;
  #facts: LeaseFacts = { fenced: new Set(), longest: new Map() };
  #rounds = 0;
  #reign: Reign | undefined;

  /** @param name begins the names of its reads: no process of this member has ever used it */
  constructor(settings: LeaseSettings, name: string) {
    this.#settings = settings;
    this.#name = name;
  }

  /** Undefined unless this member leads. */
  get term(): number | undefined {
    return this.#reign?.term;
  }

  /** An election was won, perhaps not the first: all grants are forgotten. */
  elected(term: number, nowMs: number): void {
    if (this.#reign?.term === term) return;
    this.#reign = {
      term,
      electedMs: this.#upper(nowMs),
      isOpen: false,
      nodes: new Map(),
      refused: new Set(),
      curtailed: new Set(),
      waiting: new Map(),
      round: undefined,
      beganMs: Number.NEGATIVE_INFINITY,
    };
  }

  deposed(): void {
    this.#reign = undefined;
  }

  /** Told on every member whenever it changes, and before its leader is open. */
  know(facts: LeaseFacts): void {
    this.#facts = facts;
    for (const node of facts.fenced) this.#drop(node);
    const curtailed = this.#reign?.curtailed ?? [];
    for (const node of curtailed) if (!facts.longest.has(node)) this.#reign?.curtailed.delete(node);
  }

  /** The leader has applied an entry of its own term, and said what it knows by that. Only now anything is granted. */
  open(term: number, nowMs: number): readonly GrantorEffect[] {
    const reign = this.#reign;
    if (reign?.term !== term || reign.isOpen) return [];
    reign.isOpen = true;
    return this.#begin(reign, nowMs);
  }

  /** No more grants for this node, not even for what is under way. Before anything is proposed that ends its lease. */
  refuse(node: string): void {
    this.#reign?.refused.add(node);
    this.#drop(node);
  }

  /** What was proposed is decided, one way or the other; if the node was fenced, `know` says so. */
  allow(node: string): void {
    this.#reign?.refused.delete(node);
  }

  /** This leader grants the node the usual length only, until the log has forbidden a longer one. */
  curtail(node: string): void {
    this.#reign?.curtailed.add(node);
  }

  received(from: Renewer, renewal: Renewal, nowMs: number): readonly GrantorEffect[] {
    const reign = this.#reign;
    if (!reign) return [];
    const { node } = from;
    const known = this.#known(reign, node, renewal, nowMs);
    if (!known) return [];
    const arrived = { from, renewal, arrivedMs: nowMs };
    if (this.#isRefused(reign, node)) return [answer(reign, arrived, nowMs, { type: 'denial', why: 'refused' })];
    if (nowMs - known.heardMs > this.#settings.leaseMs)
      return [answer(reign, arrived, nowMs, { type: 'denial', why: 'unheard' })];
    reign.waiting.set(node, arrived);
    return this.#begin(reign, nowMs);
  }

  tick(nowMs: number): readonly GrantorEffect[] {
    return this.#reign ? this.#begin(this.#reign, nowMs) : [];
  }

  /** A majority has followed this leader since the round began. */
  confirmed(request: string, commitIndex: number, nowMs: number): readonly GrantorEffect[] {
    const reign = this.#reign;
    if (reign?.round?.request !== request) return [];
    const { renewals } = reign.round;
    reign.round = undefined;
    const answers = [...renewals.values()].map((arrived) => this.#grant(reign, arrived, commitIndex, nowMs));
    return [...answers, ...this.#begin(reign, nowMs)];
  }

  /** There will be no answer: those who wait for it share the next round. */
  failed(request: string): void {
    const reign = this.#reign;
    if (reign?.round?.request !== request) return;
    reign.waiting = new Map([...reign.round.renewals, ...reign.waiting]);
    reign.round = undefined;
  }

  /** Whether a lease of this node may be out, from this leader or one before it. True where that is not known. */
  mayBeHeld(node: string, nowMs: number): boolean {
    const byMs = this.expiresBy(node);
    return byMs === undefined || nowMs < byMs;
  }

  /** When that is over, as far as it is known now: a grant postpones it. Undefined unless this member leads and is open. */
  expiresBy(node: string): number | undefined {
    const reign = this.#reign;
    // Before it is open it does not know yet which leases may be longer than usual.
    if (!reign?.isOpen) return undefined;
    return Math.max(this.#inheritedBy(reign, node), reign.nodes.get(node)?.expiresByMs ?? 0);
  }

  /** The same of leases that are longer than usual. */
  longLeaseBy(node: string): number | undefined {
    const reign = this.#reign;
    if (!reign?.isOpen) return undefined;
    return Math.max(this.#inheritedBy(reign, node), reign.nodes.get(node)?.longExpiresByMs ?? 0);
  }

  /** Of those who have renewed in this term, and of those who are refused. Sorted by node. */
  rows(): readonly LeaseRow[] {
    const reign = this.#reign;
    if (!reign?.isOpen) return [];
    const nodes = [...new Set([...reign.nodes.keys(), ...reign.refused, ...this.#facts.fenced])].toSorted();
    return nodes.map((node) => ({
      node,
      isRefused: this.#isRefused(reign, node),
      grantedUntilMs: reign.nodes.get(node)?.grantedUntilMs,
      expiresByMs: this.expiresBy(node) ?? 0,
    }));
  }

  #isRefused({ refused }: Reign, node: string): boolean {
    return refused.has(node) || this.#facts.fenced.has(node);
  }

  /** What is under way of a node. If it is allowed again within the same round, that round's index is from before. */
  #drop(node: string): void {
    this.#reign?.waiting.delete(node);
    this.#reign?.round?.renewals.delete(node);
  }

  /** @returns undefined for a renewal that was overtaken or repeated on its way */
  #known(reign: Reign, node: string, { run, sequence, echo }: Renewal, nowMs: number): Known | undefined {
    let known = reign.nodes.get(node);
    if (!known) {
      // Nothing was sent to it yet, so nothing can have come back.
      known = { run, sequence, heardMs: nowMs, grantedUntilMs: undefined, expiresByMs: 0, longExpiresByMs: 0 };
      reign.nodes.set(node, known);
    } else if (known.run === run && sequence <= known.sequence) return undefined;
    known.run = run;
    known.sequence = sequence;
    if (echo?.term === reign.term && echo.atMs <= nowMs) known.heardMs = Math.max(known.heardMs, echo.atMs);
    return known;
  }

  /** One round at a time, and one in a while: what comes meanwhile shares the next. */
  #begin(reign: Reign, nowMs: number): readonly GrantorEffect[] {
    if (!reign.isOpen || reign.round || reign.waiting.size === 0) return [];
    if (nowMs - reign.beganMs < this.#settings.gatherMs) return [];
    reign.beganMs = nowMs;
    const request = `${this.#name}-${++this.#rounds}`;
    reign.round = { request, renewals: reign.waiting };
    reign.waiting = new Map();
    return [{ do: 'ask-round', request }];
  }

  #grant(reign: Reign, arrived: Arrived, commitIndex: number, nowMs: number): GrantorEffect {
    const { node } = arrived.from;
    const { leaseMs } = this.#settings;
    const lengthMs = this.#lengthFor(reign, node, arrived.renewal.wantsMs);
    const known = reign.nodes.get(node);
    if (known) {
      const untilMs = this.#upper(arrived.arrivedMs) + waitMs(this.#settings, lengthMs);
      known.grantedUntilMs = Math.max(known.grantedUntilMs ?? 0, arrived.arrivedMs + lengthMs);
      known.expiresByMs = Math.max(known.expiresByMs, untilMs);
      if (lengthMs > leaseMs) known.longExpiresByMs = Math.max(known.longExpiresByMs, untilMs);
    }
    return answer(reign, arrived, nowMs, { type: 'grant', lengthMs, commitIndex });
  }

  #lengthFor(reign: Reign, node: string, wantsMs: number): number {
    const { leaseMs } = this.#settings;
    const mostMs = reign.curtailed.has(node) ? leaseMs : (this.#facts.longest.get(node) ?? leaseMs);
    return Math.max(leaseMs, Math.min(wantsMs, mostMs));
  }

  /** Of whatever leaders before may have granted. */
  #inheritedBy({ electedMs }: Reign, node: string): number {
    const { leaseMs, longestMs } = this.#settings;
    return electedMs + waitMs(this.#settings, Math.max(leaseMs, longestMs, this.#facts.longest.get(node) ?? 0));
  }

  /** What the clock says is up to a unit too early. */
  #upper(nowMs: number): number {
    return nowMs + this.#settings.clockUnitMs;
  }
}

type Verdict = Pick<Extract<Answer, { type: 'grant' }>, 'type' | 'lengthMs' | 'commitIndex'> | DeniedBecause;
type DeniedBecause = Pick<Extract<Answer, { type: 'denial' }>, 'type' | 'why'>;

function answer(
  { term }: Reign,
  { from, renewal }: Arrived,
  nowMs: number,
  verdict: Verdict,
): Extract<GrantorEffect, { do: 'answer' }> {
  const { run, sequence } = renewal;
  return { do: 'answer', to: from, answer: { term, atMs: nowMs, run, sequence, ...verdict } };
}
