/**
 * A lab's live endpoint in memory, after the contract: rows with a history that can be resumed from, snapshots in
 * chunks of two rows, log lines, and sockets that deliver one message at a time, when the test says so.
 */
import type { LiveLogLine, ToClient, ToServer } from '#io/contract/live.ts';
import type { Problem } from '#io/contract/problem.ts';
import type { LiveSocket } from '#ui/client/live-ports.ts';

interface Change {
  readonly index: number;
  readonly put: readonly (readonly [string, unknown])[];
  readonly del: readonly string[];
}

export class ModelServer {
  readonly rows = new Map<string, unknown>();
  readonly sockets: ModelSocket[] = [];
  readonly lines: LiveLogLine[] = [];
  /** Everything that clients said, in the order of arrival. */
  readonly heard: ToServer[] = [];
  epoch = 'epoch-1';
  index = 1;
  /** Answers every `open` with this while it is set. */
  busy: Problem | undefined;
  accepts = true;
  #history: Change[] = [];

  readonly connect = (): LiveSocket => {
    const socket = new ModelSocket(this);
    this.sockets.push(socket);
    return socket;
  };

  get socket(): ModelSocket {
    const last = this.sockets.at(-1);
    if (!last) throw new Error('nobody has connected');
    return last;
  }

  change(put: readonly (readonly [string, unknown])[], del: readonly string[]): void {
    this.index++;
    for (const [key, row] of put) this.rows.set(key, row);
    for (const key of del) this.rows.delete(key);
    const change = { index: this.index, put, del };
    this.#history.push(change);
    for (const socket of this.sockets) socket.tellChange(change);
  }

  log(line: LiveLogLine): void {
    this.lines.push(line);
    for (const socket of this.sockets) socket.tellLine(line);
  }

  bookmark(stale = false): void {
    for (const socket of this.sockets) socket.say({ t: 'at', index: this.index, time: this.index * 1000, stale });
  }

  /** Its process starts again: nothing of before can be resumed. */
  restart(): void {
    this.epoch = `epoch-${Number(this.epoch.slice(6)) + 1}`;
    this.#history = [];
    this.loseAll();
  }

  forgetHistory(): void {
    this.#history = [];
  }

  loseAll(code = 1006, reason = ''): void {
    for (const socket of this.sockets) socket.fail(code, reason);
  }

  /** Messages under way are delivered until there are none. */
  settle(): void {
    while (this.sockets.some((socket) => socket.step())) continue;
  }

  /** What was missed since `after`, or undefined when that is not known any more. */
  since(after: number, epoch: string | undefined): readonly Change[] | undefined {
    if (epoch !== this.epoch) return undefined;
    const missed = this.#history.filter(({ index }) => index > after);
    return missed.length === this.index - after ? missed : undefined;
  }
}

export class ModelSocket implements LiveSocket {
  bufferedAmount = 0;
  onopen: LiveSocket['onopen'] = null;
  onmessage: LiveSocket['onmessage'] = null;
  onclose: LiveSocket['onclose'] = null;
  onerror: LiveSocket['onerror'] = null;
  readonly #server: ModelServer;
  readonly #views = new Set<number>();
  readonly #logs = new Set<number>();
  #toClient: (() => void)[] = [];
  #toServer: ToServer[] = [];
  #state: 'opening' | 'open' | 'closing' | 'closed' = 'opening';

  constructor(server: ModelServer) {
    this.#server = server;
  }

  get isClosed(): boolean {
    return this.#state === 'closing' || this.#state === 'closed';
  }

  send(data: string): void {
    if (this.#state !== 'open') throw new Error('sent on a socket that is not open');
    this.#toServer.push(JSON.parse(data) as ToServer);
  }

  /** What was sent before still arrives, as on a real socket that is closing. */
  close(): void {
    this.#state = this.#state === 'opening' ? 'closed' : 'closing';
  }

  say(frame: ToClient): void {
    const data = JSON.stringify(frame);
    this.#toClient.push(() => this.onmessage?.({ data }));
  }

  /** Messages that were under way are lost. */
  fail(code: number, reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#toClient = [];
    this.onclose?.({ code, reason });
  }

  /** Delivers the next message. @returns false when there is none */
  step(): boolean {
    if (this.#state === 'closed') return false;
    if (this.#state === 'opening') {
      if (!this.#server.accepts) {
        this.fail(1006, '');
        return true;
      }
      this.#state = 'open';
      this.onopen?.(undefined as never);
      return true;
    }
    const said = this.#state === 'open' ? this.#toServer.shift() : undefined;
    if (said) {
      this.#server.heard.push(said);
      this.#hear(said);
      return true;
    }
    const told = this.#toClient.shift();
    told?.();
    return told !== undefined;
  }

  tellChange({ index, put, del }: Change): void {
    if (this.isClosed) return;
    for (const sub of this.#views) this.say({ t: 'rows', sub, index, put, del });
  }

  tellLine(line: LiveLogLine): void {
    for (const sub of this.#logs) this.say({ t: 'lines', sub, lines: [line] });
  }

  /** This reader was slow: instead of changes it gets everything. */
  snapAll(): void {
    for (const sub of this.#views) this.#snap(sub);
  }

  #hear(message: ToServer): void {
    const { busy } = this.#server;
    if (message.t === 'open' && busy) this.say({ t: 'end', sub: message.sub, problem: busy });
    else if (message.t === 'open') {
      const missed = message.after === undefined ? undefined : this.#server.since(message.after, message.epoch);
      this.#views.add(message.sub);
      if (!missed) this.#snap(message.sub);
      for (const change of missed ?? []) this.say({ t: 'rows', sub: message.sub, ...change });
    } else if (message.t === 'logs') {
      this.#logs.add(message.sub);
      const lines = this.#server.lines.filter(({ at }) => at > (message.since ?? 0));
      if (lines.length > 0) this.say({ t: 'lines', sub: message.sub, lines });
    } else if (message.t === 'close') {
      this.#views.delete(message.sub);
      this.#logs.delete(message.sub);
    }
  }

  #snap(sub: number): void {
    const { epoch, index } = this.#server;
    const rows = [...this.#server.rows];
    do {
      const part = rows.splice(0, 2);
      this.say({ t: 'snap', sub, epoch, index, rows: part, more: rows.length > 0 });
    } while (rows.length > 0);
  }
}
