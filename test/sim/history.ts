/**
 * The events that the lab has folded, as somebody heard them who outlives its daemon. What was heard once has
 * happened: it may not vanish with a crash, change, or happen a second time.
 */
import type { LabEvent, StreamId } from '#events/envelope.ts';

export class History {
  readonly #events: LabEvent[] = [];
  /** Index of the last event of each command. */
  readonly #commands = new Map<string, number>();
  /** The snapshot that a roll-back goes back to, by volume and stash. */
  readonly #rollbacks = new Map<string, StreamId<'snapshot'>>();
  readonly #guids = new Map<StreamId, string>();

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
      if (event.type === 'snapshot.taken') this.#guids.set(stream, event.data.guid);
    }
    return wrong;
  }

  /** What the roll-back goes back to that keeps the present under this name: the snapshot's identity. */
  rollbackTo(volume: StreamId<'volume'>, stash: string): string | undefined {
    const snapshot = this.#rollbacks.get(`${volume}|${stash}`);
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
