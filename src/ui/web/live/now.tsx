/** What time it is, for relative times: ticks for everybody at once, and stands still in the past. */
import { createContext, useContext, useEffect, useState, type ReactNode } from 'react';
import { usePast } from './past.ts';
import { useView } from './use-view.ts';

interface Now {
  readonly now: number;
  readonly zone: string;
}
const NowContext = createContext<Now>({ now: 0, zone: 'UTC' });

const tickMs = 1000;

export function NowProvider({ children }: { readonly children: ReactNode }) {
  const past = usePast();
  const [present, setPresent] = useState(() => Date.now());
  const { rows } = useView('overview', { now: true });
  const zone = rows[0]?.timeZone ?? 'UTC';
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') setPresent(Date.now());
    }, tickMs);
    return () => clearInterval(timer);
  }, []);
  const now = past.isPast ? (past.time ?? present) : present;
  return <NowContext value={{ now, zone }}>{children}</NowContext>;
}

export const useNow = (): number => useContext(NowContext).now;
/** The lab's time zone, in which exact times are shown. */
export const useZone = (): string => useContext(NowContext).zone;
