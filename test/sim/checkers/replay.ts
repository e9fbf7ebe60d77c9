/** Folding the log from its beginning gives what the daemon has: every actor and every row. */
import { Folded, tableViews } from '#io/lab/folded.ts';
import { stored } from '#io/lab/state.ts';
import { kinds, type LabEvent } from '#events/envelope.ts';

function replay(events: readonly LabEvent[]): Folded {
  const folded = new Folded();
  for (const event of events) folded.fold(event);
  return folded;
}

export function checkReplay(live: Folded, events: readonly LabEvent[]): string[] {
  const again = replay(events.slice(0, live.lab.index));
  const wrong: string[] = [];
  const same = (what: string, a: unknown, b: unknown): void => {
    const [x, y] = [JSON.stringify(a), JSON.stringify(b)];
    if (x !== y) wrong.push(`${what} differs after a replay:\n  live   ${x}\n  replay ${y}`);
  };
  for (const kind of kinds) {
    same(`list of ${kind}s`, live.lab.list(kind).map(stored), again.lab.list(kind).map(stored));
  }
  for (const view of tableViews) same(`view ${view}`, live.rows(view), again.rows(view));
  return wrong;
}
