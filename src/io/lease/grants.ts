/**
 * The leader's leases at work: what consensus and the links say goes to the grantor, what it wants goes back to them.
 *
 *   leadership, rounds ──▶ grantor ──▶ ask a round
 *   renewals ────────────▶    │  ────▶ grants, denials ─ send ─▶ nodes
 */
import {
  LeaseGrantor,
  type GrantorEffect,
  type LeaseFacts,
  type LeaseRow,
  type Renewer,
} from '#events/lease/grantor.ts';
import type { LeaseSettings } from '#events/lease/settings.ts';
import type { BootTime } from '../devices/boot-time/port.ts';
import { BadFrame } from '../log/raft/member/message-codec.ts';
import { packAnswer, unpackLease } from './frame.ts';

export interface LeaseGrantsParts {
  readonly settings: LeaseSettings;
  /** Begins the names of its reads; drawn at random when the process began. */
  readonly name: string;
  readonly bootTime: BootTime;
  /** Asks consensus for a read of this name. Its answer comes to `confirmed` or `failed`, never before this returns. */
  ask(request: string): void;
  /** What finds no way is lost: the node renews again. */
  send(to: Renewer, frame: Uint8Array): void;
}

export class LeaseGrants {
  readonly #parts: LeaseGrantsParts;
  readonly #grantor: LeaseGrantor;

  constructor(parts: LeaseGrantsParts) {
    this.#parts = parts;
    this.#grantor = new LeaseGrantor(parts.settings, parts.name);
  }

  get term(): number | undefined {
    return this.#grantor.term;
  }

  get rows(): readonly LeaseRow[] {
    return this.#grantor.rows();
  }

  /** @param term in which this member leads; undefined: it does not */
  leads(term: number | undefined): void {
    if (term === undefined) this.#grantor.deposed();
    else this.#grantor.elected(term, this.#nowMs);
  }

  know(facts: LeaseFacts): void {
    this.#grantor.know(facts);
  }

  /** An entry of the term is applied, and what it and those before it say of leases is known. */
  open(term: number): void {
    this.#carryOut(this.#grantor.open(term, this.#nowMs));
  }

  /** No more grants for this node. @returns from when on, by boot time, it holds none; undefined if this member does not grant */
  refuse(node: string): number | undefined {
    this.#grantor.refuse(node);
    return this.#grantor.expiresBy(node);
  }

  allow(node: string): void {
    this.#grantor.allow(node);
  }

  /** Only the usual length from now on. @returns from when on it holds no longer one */
  curtail(node: string): number | undefined {
    this.#grantor.curtail(node);
    return this.#grantor.longLeaseBy(node);
  }

  /** A frame of a node. @throws BadFrame */
  receive(from: Renewer, frame: Uint8Array): void {
    const message = unpackLease(frame);
    if (message.type !== 'renewal') throw new BadFrame('an answer came where only renewals are expected');
    this.#carryOut(this.#grantor.received(from, message.renewal, this.#nowMs));
  }

  tick(): void {
    if (this.term !== undefined) this.#carryOut(this.#grantor.tick(this.#nowMs));
  }

  /** Whether consensus was asked for this from here. */
  owns(request: string): boolean {
    return request.startsWith(this.#parts.name);
  }

  confirmed(request: string, index: number): void {
    this.#carryOut(this.#grantor.confirmed(request, index, this.#nowMs));
  }

  failed(request: string): void {
    this.#grantor.failed(request);
  }

  get #nowMs(): number {
    return this.#parts.bootTime.nowMs();
  }

  #carryOut(effects: readonly GrantorEffect[]): void {
    for (const effect of effects) {
      if (effect.do === 'ask-round') this.#parts.ask(effect.request);
      else this.#parts.send(effect.to, packAnswer(effect.answer));
    }
  }
}
