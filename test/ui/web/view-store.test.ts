import { describe, expect, it, vi } from 'vitest';
import type { ViewHandlers } from '#ui/client/live-subscriptions.ts';
import { ViewStores } from '#ui/web/live/view-store.ts';

interface Row {
  readonly n: number;
}

function opened() {
  const handlers: ViewHandlers<Row>[] = [];
  const close = vi.fn();
  const open = (given: ViewHandlers<Row>): (() => void) => {
    handlers.push(given);
    return close;
  };
  return { handlers, close, open };
}

describe('the rows of a view', () => {
  it('are asked for once, however many look', () => {
    const { handlers, open } = opened();
    const stores = new ViewStores();
    stores.get('apps', open).subscribe(() => undefined);
    stores.get('apps', open).subscribe(() => undefined);
    expect(handlers).toHaveLength(1);
    stores.closeAll();
  });

  it('are ready with the first snapshot, sorted by key', () => {
    const { handlers, open } = opened();
    const stores = new ViewStores();
    const store = stores.get('apps', open);
    const listener = vi.fn();
    store.subscribe(listener);
    expect(store.get().ready).toBe(false);
    handlers[0]?.snapshot(
      [
        ['b', { n: 2 }],
        ['a', { n: 1 }],
      ],
      7,
    );
    expect(store.get()).toMatchObject({ ready: true, rows: [{ n: 1 }, { n: 2 }], index: 7 });
    expect(listener).toHaveBeenCalledOnce();
    stores.closeAll();
  });

  it('keep the row that did not change, so that only changes glow', () => {
    const { handlers, open } = opened();
    const stores = new ViewStores();
    const store = stores.get('apps', open);
    store.subscribe(() => undefined);
    handlers[0]?.snapshot(
      [
        ['a', { n: 1 }],
        ['b', { n: 2 }],
      ],
      1,
    );
    const [a, b] = store.get().rows;
    // A whole new snapshot, as after a lost connection.
    handlers[0]?.snapshot(
      [
        ['a', { n: 1 }],
        ['b', { n: 3 }],
      ],
      2,
    );
    expect(store.get().rows[0]).toBe(a);
    expect(store.get().rows[1]).not.toBe(b);
    handlers[0]?.change([['a', { n: 1 }]], ['b'], 3);
    expect(store.get().rows).toEqual([{ n: 1 }]);
    expect(store.get().rows[0]).toBe(a);
    stores.closeAll();
  });

  it('stay a while after the last one looked, for whoever comes back', () => {
    vi.useFakeTimers();
    const { handlers, close, open } = opened();
    const stores = new ViewStores(1000);
    const leave = stores.get('apps', open).subscribe(() => undefined);
    handlers[0]?.snapshot([['a', { n: 1 }]], 1);
    leave();
    vi.advanceTimersByTime(999);
    const back = stores.get('apps', open).subscribe(() => undefined);
    expect(stores.get('apps', open).get().rows).toHaveLength(1);
    expect(close).not.toHaveBeenCalled();
    back();
    vi.advanceTimersByTime(1000);
    expect(close).toHaveBeenCalledOnce();
    expect(stores.get('apps', open).get().ready).toBe(false);
    vi.useRealTimers();
  });

  it('of the past are not followed any more once they are there', () => {
    const { handlers, close, open } = opened();
    const stores = new ViewStores();
    stores.get('apps@7', open, true).subscribe(() => undefined);
    handlers[0]?.snapshot([['a', { n: 1 }]], 7);
    expect(close).toHaveBeenCalledOnce();
    expect(stores.get('apps@7', open, true).get().rows).toHaveLength(1);
    stores.closeAll();
  });

  it('say why nothing more comes', () => {
    const { handlers, open } = opened();
    const stores = new ViewStores();
    const store = stores.get('apps', open);
    store.subscribe(() => undefined);
    handlers[0]?.end?.({ detail: 'There is no such moment.' } as never);
    expect(store.get()).toMatchObject({ ready: true, problem: { detail: 'There is no such moment.' } });
    stores.closeAll();
  });
});
