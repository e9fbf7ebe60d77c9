/** What repairs a volume that failed, or is missing: the cause as its problem has it, and the one command that follows. */
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState } from '../actor.ts';
import { lossHint } from './loss.ts';
import { isLost } from './volume.ts';

/**
 * A sentence that always names a command of FloatLab; null of a volume that has no such problem. Hints of file systems
 * say what to do about the cause; only the lab knows how it goes on from there.
 */
export function mendHint(volume: ActorState<'volume'>): string | null {
  const { state, context } = volume;
  const { problem, failedIn } = context;
  if (!problem || (state !== 'failed' && state !== 'missing')) return problem?.hint ?? null;
  if (isLost(context)) return lossHint(volume);
  const { name } = context.metadata;
  const again = state === 'missing' ? `floatlab volume repair ${name}` : `floatlab volume retry ${name}`;
  // An adoption may have named what is not there: no retry helps, and what was adopted is not deleted.
  const or = state === 'failed' && failedIn === 'adopting' ? ` Or let it go: floatlab volume release ${name}.` : '';
  return `${hintThen(problem, again)}${or}`;
}

/** What to do about the cause, and the command that follows; of a hint that names one already: as it is. */
export function hintThen({ hint = '' }: Pick<Problem, 'hint'>, command: string): string {
  if (hint.includes('floatlab ')) return hint;
  if (hint === '') return `Mend the cause, then: ${command}.`;
  return `${/[.!?]$/.test(hint) ? hint : `${hint}.`} Then: ${command}.`;
}
