/** Opens the event log of one node: reads and judges all of it, or makes a new one where there was none. */
import type { StreamId } from '#events/envelope.ts';
import type { Clock } from '../../devices/clock/port.ts';
import type { Random } from '../../devices/random/port.ts';
import type { Store } from '../../stores/port.ts';
import type { EventLog, LogError } from '../port.ts';
import { identityOp } from './identity.ts';
import { scan } from './scan.ts';
import { SingleLog } from './single-log.ts';
import type { Watermark } from './watermark.ts';

export interface SingleLogOptions {
  /** Of the log alone. Closed with the log. */
  readonly store: Store;
  /** Outside that store. Closed with the log. */
  readonly watermark: Watermark;
  /** Versions of streams as of event `headsAt`, from the state database; without them everything is unpacked. */
  readonly heads?: ReadonlyMap<StreamId, number>;
  readonly headsAt?: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Id of this node, for `leadership`. */
  readonly node?: string;
  /** A write failed: end the process. */
  onBroken?(error: LogError): void;
}

/** @throws LogError DAMAGED, SHORTENED, TOO_NEW; then nothing was changed, and store and watermark stay open */
export async function openSingleLog(options: SingleLogOptions): Promise<EventLog> {
  const { store, watermark, clock, random } = options;
  const mark = await watermark.read();
  const found = await scan(store, { heads: options.heads ?? new Map(), headsAt: options.headsAt ?? 0, mark });
  const incarnation = found.incarnation ?? random.id();
  // In this order: a watermark without its log would look like a log that was lost.
  if (found.incarnation === undefined) await store.batch([identityOp(incarnation)], { sync: true });
  const current = { incarnation, durable: found.head };
  if (mark?.durable !== found.head) await watermark.write(current);
  return new SingleLog({
    store,
    watermark,
    mark: current,
    clock,
    node: options.node,
    heads: found.heads,
    head: found.head,
    onBroken: (error) => options.onBroken?.(error),
  });
}
