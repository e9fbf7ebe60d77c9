/** Volumes as archives: exported as of a snapshot, imported as a whole. Each is an operation, which ends when its bytes have passed. */
import { idOf, type StreamId } from '#events/envelope.ts';
import type { CommandName } from '#actors/commands.ts';
import type { ImportAnswer } from '#io/contract/files.ts';
import { problemCodes, problemOfRejection, type ProblemCode } from '#io/contract/problem.ts';
import type { OperationRow } from '#projections/operations.ts';
import { byteStream } from '../byte-stream.ts';
import { deadline } from '../deadline.ts';
import type { RunResult } from '../../lab/port.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail, ProblemError } from '../problems.ts';
import { flag, readQuery } from '../query.ts';
import { mayTakeLong, unlessSilent } from '../slow-bodies.ts';
import { bodyOf } from './command.ts';
import { goneWith, headersOf, snapshotIn, volumeOf } from './files.ts';
import { ended } from './operation.ts';

const decidedWithinMs = 30_000;
const silentForMs = 60_000;
/** What has been sent is put on the disk, and told, within this time. */
const endsWithinMs = 15 * 60_000;

export async function exportVolume(parts: Parts, c: RouteContext): Promise<Response> {
  const { snapshot } = readQuery(c, ['snapshot']);
  const { volume, name, files } = volumeOf(parts, c);
  const wanted = snapshotIn(parts, volume, snapshot);
  const headers = headersOf(`${name}${wanted === null ? '' : `@${wanted}`}.tar`, 'application/x-tar');
  if (c.req.method === 'HEAD') return new Response(null, { headers });
  const begun = await begin(parts, c, 'export-volume', wanted === null ? {} : { snapshot: wanted });
  const gone = goneWith(parts, c);
  const pieces = files.fetch(begun.transfer, gone)[Symbol.asyncIterator]();
  const first = await Promise.race([
    pieces.next(),
    ended(parts, begun.operation, gone).then((row) => {
      throw refusalOf(row, 'The export');
    }),
  ]);
  const bytes = (async function* () {
    try {
      for (let next = first; !next.done; next = await pieces.next()) yield next.value;
    } finally {
      // Whoever left half way does not come back: the export has failed, and its snapshot may go.
      await pieces.return?.();
    }
  })();
  const broken = (error: unknown): void => parts.log.error({ volume, error: String(error) }, 'an export broke off');
  return new Response(await byteStream(bytes, { gone, broken }), { headers });
}

export async function importVolume(parts: Parts, c: RouteContext): Promise<Response> {
  const query = readQuery(c, ['replace', 'dryRun']);
  const replace = flag('replace', query.replace);
  const { files } = volumeOf(parts, c);
  if (flag('dryRun', query.dryRun)) {
    c.header('cache-control', 'no-store');
    return c.json(bodyOf(await decided(parts, c, 'import-volume', { replace }, true), true));
  }
  const { body } = c.req.raw;
  if (!body || hasNone(c))
    throw fail('INVALID', 'There is no archive.', { hint: 'Send a tar as the body of the request.' });
  mayTakeLong(c.env.incoming);
  const { operation, transfer } = await begin(parts, c, 'import-volume', { replace });
  const gone = goneWith(parts, c);
  let brought = true;
  await files.bring(transfer, unlessSilent(body, parts.clock, silentForMs), gone).catch(() => {
    // What it was is said by the operation, as everybody sees it.
    brought = false;
  });
  const limit = deadline(parts.clock, endsWithinMs, gone);
  const row = await ended(parts, operation, limit.signal).finally(() => limit.done());
  if (row?.state !== 'succeeded' || !brought) throw refusalOf(row, 'The import');
  const event = await outcomeOf(parts, transfer);
  const answer: ImportAnswer = { operation: row.id, files: event.files ?? 0, bytes: event.bytes ?? 0 };
  c.header('cache-control', 'no-store');
  return c.json(answer);
}

/** A request that says nothing of a body has an empty one: whoever forgot the archive should not read that it was cut short. */
const hasNone = (c: RouteContext): boolean =>
  c.req.header('content-length') === '0' ||
  (c.req.header('content-length') === undefined && c.req.header('transfer-encoding') === undefined);

interface Begun {
  readonly operation: StreamId<'operation'>;
  /** Its id. */
  readonly transfer: string;
}

async function begin(
  parts: Parts,
  c: RouteContext,
  command: CommandName,
  more: Readonly<Record<string, unknown>>,
): Promise<Begun> {
  const result = await decided(parts, c, command, more);
  const transfer = result.events.find(({ type }) => type === 'transfer.requested')?.stream;
  const { operation } = result;
  if (transfer === undefined || operation === undefined) throw new Error(`${command} began nothing`);
  return { operation, transfer: idOf(transfer) };
}

/** @throws ProblemError as the lab has refused it */
async function decided(
  { lab, random, clock }: Parts,
  c: RouteContext,
  command: CommandName,
  more: Readonly<Record<string, unknown>>,
  dryRun = false,
): Promise<Exclude<RunResult, { rejected: unknown }>> {
  const { namespace, name } = c.req.param() as { namespace: string; name: string };
  const limit = deadline(clock, decidedWithinMs);
  const request = {
    id: random.id(),
    since: lab.index,
    name: command,
    input: { namespace, name, ...more },
    by: sessionOf(c).principal,
    dryRun,
  };
  const result = await lab.run(request, limit.signal).finally(() => limit.done());
  if ('rejected' in result) throw new ProblemError(problemOfRejection(result.rejected));
  return result;
}

function refusalOf(row: OperationRow | undefined, what: string): ProblemError {
  if (row?.state === 'failed' && row.problem) {
    const { code, message, hint } = row.problem;
    const known: ProblemCode = Object.hasOwn(problemCodes, code) ? (code as ProblemCode) : 'NOT_NOW';
    return fail(known, `${what} failed: ${message.replace(/\.$/, '')}.`, hint === undefined ? {} : { hint });
  }
  return fail('TIMED_OUT', `${what} was cut off; whether it will be done is not known.`, {
    hint: 'Look at the operation: floatlab operation ls.',
  });
}

/** What was counted stands in the history alone. */
async function outcomeOf({ lab }: Parts, transfer: string): Promise<{ files?: number; bytes?: number }> {
  const stream: StreamId<'transfer'> = `transfer:${transfer}`;
  const rows = await lab.activity({ stream, limit: 10 });
  const finished = rows.find(({ type }) => type === 'transfer.finished');
  return (finished?.data ?? {}) as { files?: number; bytes?: number };
}
