/**
 * What a node concludes from a look at one of its volumes: it is as it should be, or something was done by hand. What
 * cannot be told is no conclusion. A volume is said to be gone only when two looks in a row say so: at a boot a pool may
 * come late, and a look may fall between the two halves of somebody's renaming.
 */
import { formatSize } from '#events/values/size.ts';
import type { Problem } from '#events/values/metadata.ts';

/** As the lab has it. */
export interface Expected {
  readonly name: string;
  readonly pool: string;
  readonly dataset: string;
  readonly path: string;
  readonly sizeBytes: number;
}

/** As it was found. */
export interface Found {
  /** Null: there is no such dataset. Absent: nobody looked so closely. */
  readonly dataset?: { readonly path: string; readonly sizeBytes: number | undefined } | null;
  /** Whether its files can be reached at their path. */
  readonly reach?: 'writable' | 'read-only' | 'absent';
  /** Why the look failed. */
  readonly error?: Problem;
}

export interface Verdict {
  readonly problem: Problem | null;
  /** Its data cannot be reached. */
  readonly isGone: boolean;
}

/** Errors that say something of the volume itself, and not of the call. */
const telling: readonly string[] = ['DAMAGED', 'POOL_MISSING', 'MISSING'];

/** @returns undefined when nothing can be concluded */
export function judge(expected: Expected, { dataset, reach, error }: Found): Verdict | undefined {
  const { name, pool, path, sizeBytes } = expected;
  const repair = `Then: floatlab volume repair ${name}.`;
  if (error) return telling.includes(error.code) ? { problem: error, isGone: true } : undefined;
  if (dataset === null)
    return gone(
      'MISSING',
      `its dataset ${pool}/${expected.dataset} is not there any more.`,
      `Put it back where it was, at ${path}.`,
    );
  if (reach === 'absent') return gone('MISSING', `Nothing is at ${path}.`, 'Put it back where it was, or mount it.');
  if (dataset && dataset.path !== path)
    return wrong('ELSEWHERE', `Its files are at ${dataset.path} now, and not at ${path}.`, repair);
  if (reach === 'read-only')
    return wrong('READ_ONLY', `${path} cannot be written to.`, `Mount its file system so that it can. ${repair}`);
  // A pool without quotas has none to compare.
  if (dataset?.sizeBytes !== undefined && dataset.sizeBytes !== sizeBytes) {
    const message = `Its quota is ${formatSize(dataset.sizeBytes)}, and should be ${formatSize(sizeBytes)}.`;
    return wrong('QUOTA', message, `To set it again: floatlab volume repair ${name}.`);
  }
  return { problem: null, isGone: false };
}

const gone = (code: string, message: string, hint: string): Verdict => ({
  problem: { code, message, hint },
  isGone: true,
});
const wrong = (code: string, message: string, hint: string): Verdict => ({
  problem: { code, message, hint },
  isGone: false,
});

/** What is known of a volume from the looks before. */
export interface Looked {
  /** The last look found nothing, and it was the first to do so. */
  readonly isSuspect: boolean;
}

export const notLooked: Looked = { isSuspect: false };

/** @returns what is known from now on, and what to say, if anything */
export function conclude(known: Looked, verdict: Verdict | undefined): readonly [Looked, Verdict | undefined] {
  if (!verdict) return [known, undefined];
  if (verdict.isGone && !known.isSuspect) return [{ isSuspect: true }, undefined];
  return [{ isSuspect: verdict.isGone }, verdict];
}
