/** A moment: relative to read, exact on hover. */
import { ago, exact, roughly, until } from '../format/time.ts';
import { useNow, useZone } from '../live/now.tsx';

interface TimeProps {
  readonly at: number | null | undefined;
  /** `ago`: 3 m ago. `since`: 3 m. `until`: in 3 m. */
  readonly as?: 'ago' | 'since' | 'until';
  readonly className?: string | undefined;
}

export function Time({ at, as = 'ago', className }: TimeProps) {
  const now = useNow();
  const zone = useZone();
  if (at === null || at === undefined) return <span className="faint">–</span>;
  const text = as === 'ago' ? ago(at, now) : as === 'until' ? until(at, now) : roughly(Math.max(0, now - at));
  return (
    <time dateTime={new Date(at).toISOString()} data-tip={exact(at, zone)} className={`nowrap ${className ?? ''}`}>
      {text}
    </time>
  );
}
