/**
 * The events that the lab has folded, as somebody heard them who outlives its daemon. What was heard once has
 * happened: it may not vanish with a crash, change, or happen a second time.
 */
import type { LabEvent, StreamId } from '#events/envelope.ts';
import type { TransferTask } from '#events/transfer.ts';

interface Move {
  readonly volume: StreamId<'volume'>;
  /** The dataset that it was before. */
  readonly from: string;
  state: 'underway' | 'moved' | 'abandoned';
}

/** Files on their way: into a volume, out of one, or back from a snapshot. */
export interface Transfer {
  readonly stream: StreamId<'transfer'>;
  /** Of whoever asked for it. */
  readonly command: string;
  readonly volume: StreamId<'volume'>;
  readonly task: TransferTask;
  state: 'underway' | 'finished' | 'failed';
  /** Of a restore that has finished. */
  written: readonly { readonly path: string; readonly as: string }[];
}

export class History {
  readonly #events: LabEvent[] = [];
  /** Index of the last event of each command. */
  readonly #commands = new Map<string, number>();
  /** The snapshot that a roll-back goes back to, by volume and stash. */
  readonly #rollbacks = new Map<string, StreamId<'snapshot'>>();
  /** The snapshot that a clone begins with. */
  readonly #origins = new Map<StreamId, StreamId<'snapshot'>>();
  readonly #guids = new Map<StreamId, string>();
  /** The names of snapshots. */
  readonly #names = new Map<StreamId, string>();
  readonly #transfers = new Map<StreamId, Transfer>();
  /** What became a volume in its place. */
  readonly #adopted = new Map<StreamId<'volume'>, string>();

  /** The volume that a dataset is, and the dataset that a volume is. */
  readonly #owners = new Map<string, StreamId<'volume'>>();
  readonly #datasets = new Map<StreamId, string>();
  readonly #moves = new Map<string, Move>();

  get length(): number {
    return this.#events.length;
  }

  hear(events: readonly LabEvent[]): string[] {
    const wrong: string[] = [];
    for (const event of events) {
      const { command, index, stream } = event;
      if (index !== this.#events.length + 1) {
        wrong.push(`event ${index} (${event.type} of ${stream}) was folded after ${this.#events.length}`);
        continue;
      }
      const last = this.#commands.get(command);
      if (last !== undefined && last !== index - 1)
        wrong.push(`command ${command} took effect twice, at ${last} and at ${index}`);
      this.#events.push(event);
      this.#commands.set(command, index);
      if (event.type === 'volume.rollback-requested')
        this.#rollbacks.set(`${stream}|${event.data.stash}`, event.data.snapshot);
      if (event.type === 'volume.created' && event.data.origin) this.#origins.set(stream, event.data.origin.snapshot);
      if (event.type === 'volume.created' && event.data.adopts !== undefined)
        this.#adopted.set(stream as StreamId<'volume'>, event.data.adopts);
      if (event.type === 'snapshot.requested') this.#names.set(stream, event.data.metadata.name);
      this.#hearOfDataset(event);
      this.#hearOfTransfer(event);
      if (event.type === 'snapshot.taken') this.#guids.set(stream, event.data.guid);
    }
    return wrong;
  }

  #hearOfDataset({ type, stream, data }: LabEvent): void {
    const volume = stream as StreamId<'volume'>;
    const move = [...this.#moves.values()].find((one) => one.volume === volume && one.state === 'underway');
    switch (type) {
      case 'volume.provisioned':
        this.#owners.set(data.dataset, volume);
        this.#datasets.set(stream, data.dataset);
        break;
      case 'volume.move-requested':
        this.#moves.set(data.dataset, { volume, from: this.#datasets.get(stream) ?? '', state: 'underway' });
        break;
      case 'volume.move-abandoned':
        if (move) move.state = 'abandoned';
        break;
      case 'volume.moved': {
        const [into = ''] = [...this.#moves].find(([, one]) => one === move) ?? [];
        if (move) move.state = 'moved';
        this.#owners.set(into, volume);
        this.#datasets.set(stream, into);
        break;
      }
      default:
    }
  }

  #hearOfTransfer({ type, stream, data, command }: LabEvent): void {
    if (type === 'transfer.requested') {
      const { volume, task } = data;
      const transfer = stream as StreamId<'transfer'>;
      this.#transfers.set(stream, { stream: transfer, command, volume, task, state: 'underway', written: [] });
      return;
    }
    const transfer = this.#transfers.get(stream);
    if (!transfer || (type !== 'transfer.finished' && type !== 'transfer.failed')) return;
    transfer.state = type === 'transfer.finished' ? 'finished' : 'failed';
    if (type === 'transfer.finished') transfer.written = data.written ?? [];
  }

  /** Of all volumes, in the order in which they were asked for. */
  get transfers(): readonly Readonly<Transfer>[] {
    return [...this.#transfers.values()];
  }

  nameOf(snapshot: StreamId<'snapshot'>): string {
    return this.#names.get(snapshot) ?? '';
  }

  guidOf(snapshot: StreamId<'snapshot'>): string | undefined {
    return this.#guids.get(snapshot);
  }

  /** The own name of what became this volume. */
  adoptedAs(volume: StreamId<'volume'>): string | undefined {
    return this.#adopted.get(volume);
  }

  /** The volume that a dataset is, as far as anybody has heard. */
  volumeOf(dataset: string): StreamId<'volume'> {
    return this.#owners.get(dataset) ?? `volume:${dataset}`;
  }

  /** Of a dataset into which a volume moves, or has moved. */
  moveInto(dataset: string): Readonly<Move> | undefined {
    return this.#moves.get(dataset);
  }

  /** What the roll-back goes back to that keeps the present under this name: the snapshot's identity. */
  rollbackTo(volume: StreamId<'volume'>, stash: string): string | undefined {
    const snapshot = this.#rollbacks.get(`${volume}|${stash}`);
    return snapshot && this.#guids.get(snapshot);
  }

  isClone(volume: StreamId<'volume'>): boolean {
    return this.#origins.has(volume);
  }

  /** What a clone begins with: the snapshot's identity. */
  originOf(volume: StreamId<'volume'>): string | undefined {
    const snapshot = this.#origins.get(volume);
    return snapshot && this.#guids.get(snapshot);
  }

  /** @param events all that the log holds in the end */
  compare(events: readonly LabEvent[]): string[] {
    if (events.length !== this.#events.length)
      return [`${this.#events.length} events were folded, and the log holds ${events.length}`];
    const other = this.#events.find((event, n) => JSON.stringify(event) !== JSON.stringify(events[n]));
    return other ? [`event ${other.index} (${other.type}) was another one when it was folded`] : [];
  }
}
