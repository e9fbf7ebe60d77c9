/**
 * A client of the public API that uses two kinds of registers, which every lab has: labels of a node are set and read,
 * namespaces are there or not (creating one is a compare-and-set from nothing, deleting one the way back).
 *
 * Every write carries an Idempotency-Key and is sent again, to any node, until somebody knows what became of it; all of
 * its tries are one operation.
 */
import type { Random } from '#io/devices/random/port.ts';
import { Refused, type Api } from '../api.ts';
import { pause } from '../host.ts';
import type { Line } from './history.ts';

export interface ClientOptions {
  readonly name: string;
  readonly apis: readonly Api[];
  readonly random: Pick<Random, 'next' | 'id'>;
  /** The registers of this moment. */
  keys(): readonly string[];
  record(line: Line): void;
  readonly signal: AbortSignal;
}

/** A try that takes longer is given up; the next one asks somebody else. */
const tryMs = 12_000;
const tries = 4;
const there = 'there';

type Answer = { readonly outcome: 'ok'; readonly index?: number; readonly value?: string } | Unanswered;
type Unanswered = { readonly outcome: 'fail' | 'unknown'; readonly unequal?: true };
/** What each try was told that was no success. */
type Told = string[];

/** Resolves when the signal has aborted and its last operation has ended. */
export async function runClient(options: ClientOptions): Promise<void> {
  const { random, signal, name, keys, record } = options;
  for (let count = 0; !signal.aborted; count++) {
    const key = pick(keys(), random);
    const op = key.startsWith('ns') ? (random.next() < 0.5 ? 'cas' : 'get') : random.next() < 0.5 ? 'set' : 'get';
    const isCreation = random.next() < 0.5;
    const value = op === 'set' ? `${name}-${count}` : op === 'cas' ? (isCreation ? ['', there] : [there, '']) : '';
    const call = process.hrtime.bigint();
    const told: Told = [];
    const answer = await once(options, op, key, value as Line['value'], told);
    const read = answer.outcome === 'ok' ? answer.value : undefined;
    record({
      client: name,
      op,
      key,
      value: read ?? (value as Line['value']),
      call_ns: Number(call),
      return_ns: Number(process.hrtime.bigint()),
      outcome: answer.outcome,
      ...('unequal' in answer && answer.unequal ? { unequal: true as const } : {}),
      ...('index' in answer && answer.index !== undefined ? { index: answer.index } : {}),
      ...(told.length > 0 ? { told } : {}),
    });
  }
}

async function once(
  { apis, random }: ClientOptions,
  op: Line['op'],
  key: string,
  value: Line['value'],
  told: Told,
): Promise<Answer> {
  const idempotencyKey = random.id();
  let isUnknown = false;
  for (let tried = 0; tried < tries; tried++) {
    const api = pick(apis, random);
    try {
      if (op === 'get') return { outcome: 'ok', value: await read(api, key) };
      return { outcome: 'ok', index: await write(api, key, value, idempotencyKey) };
    } catch (error) {
      const code = error instanceof Refused ? error.problem.code : 'no answer';
      told.push(code);
      // What was tried before may still be on its way, and take effect when this try was refused long ago.
      if (unequal.has(code)) return isUnknown ? { outcome: 'unknown' } : { outcome: 'fail', unequal: true };
      if (!known.has(code) && !isDown(error)) isUnknown = true;
    }
    await pause(50);
  }
  return { outcome: isUnknown ? 'unknown' : 'fail' };
}

/** There was nobody to ask. */
const isDown = (error: unknown): boolean =>
  ((error as { readonly cause?: { readonly code?: unknown } } | undefined)?.cause?.code ?? '') === 'ECONNREFUSED';

const unequal = new Set(['NAME_TAKEN', 'NOT_FOUND']);
/** Codes after which nothing has happened. */
const known = new Set(['NO_LEADER', 'STOPPING', 'NOT_READY']);

async function write(api: Api, key: string, value: Line['value'], idempotencyKey: string): Promise<number> {
  const more = { key: idempotencyKey, withinMs: tryMs };
  if (typeof value === 'string') return (await api.label('n1', { [key]: value }, more)).index;
  const [from] = value;
  const answer =
    from === ''
      ? await api.ask<{ index: number }>('/api/v1/namespaces', { method: 'POST', body: { name: key }, ...more })
      : await api.ask<{ index: number }>(`/api/v1/namespaces/${key}`, { method: 'DELETE', ...more });
  return answer.index;
}

/** What a register holds, as a node says. */
export async function read(api: Api, key: string): Promise<string> {
  if (!key.startsWith('ns')) return (await api.node('n1', { withinMs: tryMs })).labels[key] ?? '';
  const path = `/api/v1/config?kind=namespace&name=${key}`;
  const { items } = await api.ask<{ items: readonly unknown[] }>(path, { withinMs: tryMs });
  return items.length > 0 ? there : '';
}

const pick = <T>(from: readonly T[], random: Pick<Random, 'next'>): T =>
  from[Math.floor(random.next() * from.length)] as T;
