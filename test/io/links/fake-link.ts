/** Two ends of a link in memory: frames arrive when the test says so, and the outbox is as small as it likes. */
import { Buffer } from 'node:buffer';
import type { LinkCode, LinkEnd } from '#io/links/errors.ts';
import type { Peer } from '#io/links/identity.ts';
import type { Link } from '#io/links/link.ts';
import type { Purpose } from '#io/links/purpose.ts';

export class FakeLink implements Link {
  readonly peer: Peer;
  purpose: Purpose = 'requests';
  readonly remoteAddress = '127.0.0.1';
  readonly closed: Promise<LinkEnd>;
  readonly outboxBytes: number;
  readonly outbox: Buffer[] = [];
  mostBuffered = 0;
  other: FakeLink | undefined;
  end: LinkEnd | undefined;
  #resolveClosed: (end: LinkEnd) => void = () => undefined;
  #onFrame: ((frame: Buffer) => void) | undefined;
  #waiting: (() => void)[] = [];

  constructor(node: string, outboxBytes: number) {
    this.peer = { node, incarnation: 'first', run: node, version: '1', protocol: 1 };
    this.outboxBytes = outboxBytes;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  get isOpen(): boolean {
    return this.end === undefined;
  }

  get bufferedBytes(): number {
    return this.outbox.reduce((sum, { length }) => sum + length, 0);
  }

  send(frame: Uint8Array): boolean {
    if (!this.isOpen) return false;
    if (this.outbox.length > 0 && this.bufferedBytes + frame.length > this.outboxBytes) return false;
    this.outbox.push(Buffer.from(frame));
    this.mostBuffered = Math.max(this.mostBuffered, this.bufferedBytes);
    return true;
  }

  /** One frame arrives. @returns false if there is none */
  deliver(): boolean {
    const frame = this.outbox.shift();
    if (!frame || !this.isOpen) return false;
    this.other?.hear(frame);
    if (this.bufferedBytes < this.outboxBytes / 2) this.#wake();
    return true;
  }

  hear(frame: Buffer): void {
    if (this.isOpen) this.#onFrame?.(frame);
  }

  drained(): Promise<void> {
    if (!this.isOpen || this.bufferedBytes < this.outboxBytes / 2) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  receive(onFrame: (frame: Buffer) => void): void {
    this.#onFrame = onFrame;
  }

  pause(): void {}
  resume(): void {}

  close(code: LinkCode = 'CLOSED', explain: string = code): void {
    if (this.end) return;
    this.end = { code, explain };
    this.#wake();
    this.#resolveClosed(this.end);
    this.other?.close(code, explain);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** The one at `atlas`, whose peer is `bolt`, and the one at `bolt`. */
export function fakePair(outboxBytes = 1 << 20): [FakeLink, FakeLink] {
  const pair: [FakeLink, FakeLink] = [new FakeLink('bolt', outboxBytes), new FakeLink('atlas', outboxBytes)];
  [pair[0].other, pair[1].other] = [pair[1], pair[0]];
  return pair;
}

/** Lets promises run, then frames, until neither is left. */
export async function settle(links: readonly FakeLink[]): Promise<void> {
  for (let idle = 0; idle < 3;) {
    await new Promise((resolve) => setImmediate(resolve));
    idle = links.map((link) => link.deliver()).includes(true) ? 0 : idle + 1;
  }
}
