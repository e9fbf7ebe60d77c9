/** What the nodes measure now: it is only to be had live, and a list is worth printing without it. */
import type { UsageRow } from '#io/contract/live.ts';
import type { Lab } from './cli.ts';

const patienceMs = 2000;

/** @returns by `volume:…`, `node:…`; empty when nothing came in time */
export function usageNow(lab: Lab): Promise<ReadonlyMap<string, UsageRow>> {
  return new Promise((resolve) => {
    const done = (rows: ReadonlyMap<string, UsageRow>): void => {
      clearTimeout(timer);
      close();
      resolve(rows);
    };
    const timer = setTimeout(() => done(new Map()), patienceMs);
    const close = lab.live().view(
      'usage',
      {},
      {
        snapshot: (rows) => done(new Map(rows)),
        change: () => undefined,
        end: () => done(new Map()),
      },
    );
  });
}
