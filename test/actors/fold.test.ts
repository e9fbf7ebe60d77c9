import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asIndex, kinds, type LabEvent } from '#events/envelope.ts';
import type { ActorState } from '#actors/actor.ts';
import { advance, isLegal } from '#actors/advance.ts';
import { Lab } from '#actors/lab.ts';
import { machines } from '#actors/machines.ts';
import { Overlay } from '#actors/overlay.ts';
import { workNameOf, workOf } from '#actors/registry.ts';
import { workers } from '#io/agent/workers.ts';
import { stored } from '#io/lab/state.ts';
import { history } from '#test/golden/history.ts';

const events = history();

const everything = (lab: Lab): unknown => kinds.flatMap((kind) => lab.list(kind).map(stored));

function folded(upTo: number): Lab {
  const lab = new Lab();
  for (const event of events.slice(0, upTo)) lab.fold(event);
  return lab;
}

describe('the fold', () => {
  test('gives the same lab when it is interrupted anywhere and goes on from what was stored', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: events.length }), (cut) => {
        const whole = folded(events.length);
        const first = folded(cut);
        const second = new Lab();
        const actors = kinds.flatMap((kind) => first.list(kind).map((actor) => structuredClone(stored(actor))));
        second.restore({ index: first.index, at: first.at }, actors, first.commands);
        for (const event of events.slice(cut)) second.fold(event);
        expect(everything(second)).toEqual(everything(whole));
        for (const app of whole.list('app'))
          expect(second.referrers(app.stream, 'volume')).toHaveLength(whole.referrers(app.stream, 'volume').length);
      }),
      { numRuns: 30 },
    );
  });

  test('refuses to skip an event', () => {
    const lab = folded(3);
    expect(() => lab.fold(events[5] as LabEvent)).toThrow(/does not follow/);
  });

  test('an event that the state does not accept quarantines its actor and nothing else', () => {
    const lab = folded(15);
    const volume = lab.list('volume')[0];
    const poison = {
      ...(events[0] as LabEvent),
      stream: volume?.stream,
      type: 'volume.rolled-back',
      data: {},
      index: asIndex(16),
      version: (volume?.version ?? 0) + 1,
    } as LabEvent;
    const step = lab.fold(poison);
    expect(step.after?.quarantined).toMatch(/not legal in state/);
    expect(step.after?.version).toBe(poison.version);
    const others = kinds.flatMap((kind) => lab.list(kind)).filter(({ stream }) => stream !== volume?.stream);
    expect(others.every(({ quarantined }) => quarantined === null)).toBe(true);
    // Later events of the stream count, and change nothing.
    const later = lab.fold({
      ...poison,
      type: 'volume.drained',
      index: asIndex(17),
      version: poison.version + 1,
    } as LabEvent);
    expect(later.after).toMatchObject({ state: volume?.state, version: poison.version + 1 });
  });

  test('an assign that throws quarantines its actor the same way every time', () => {
    const lab = folded(15);
    const app = lab.list('app')[0];
    if (!app) throw new Error('no app');
    const broken = {
      ...(events[0] as LabEvent),
      stream: app.stream,
      type: 'app.delayed',
      data: null,
      index: asIndex(16),
      version: app.version + 1,
    } as unknown as LabEvent;
    const [once, twice] = [advance(app, broken), advance(app, broken)];
    expect(once?.quarantined).toBeTruthy();
    expect(once?.quarantined).toBe(twice?.quarantined);
  });

  test('a birth that breaks its machine makes no actor, and the fold goes on', () => {
    const lab = folded(15);
    const born = events.find(({ type }) => type === 'snapshot.requested') as LabEvent;
    const step = lab.fold({
      ...born,
      stream: 'snapshot:broken',
      data: null,
      index: asIndex(16),
      version: 1,
    } as unknown as LabEvent);
    expect(step).toMatchObject({ before: undefined, after: undefined });
    expect(lab.index).toBe(16);
  });

  test('remembers commands, the oldest forgotten first', () => {
    const lab = folded(events.length);
    const last = events.at(-1);
    expect(lab.command(last?.command ?? '')?.[1]).toBe(last?.index);
  });
});

describe('the overlay', () => {
  test('shows what the lab will be, at every cut of a history', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: events.length }), fc.integer({ min: 0, max: 20 }), (cut, ahead) => {
        const base = folded(cut);
        const overlay = new Overlay(base);
        for (const event of events.slice(cut, cut + ahead)) expect(overlay.advance(event)).toBe(true);
        const future = folded(Math.min(cut + ahead, events.length));
        for (const kind of kinds) {
          expect(overlay.list(kind).map(stored)).toEqual(future.list(kind).map(stored));
          for (const actor of future.list(kind)) {
            expect(overlay.get(actor.stream)?.version).toBe(actor.version);
            const { name, namespace } = actor.context.metadata;
            expect(overlay.byName(kind, namespace, name)?.stream).toBe(future.byName(kind, namespace, name)?.stream);
            expect(overlay.referrers(actor.stream, 'snapshot').map(stored)).toEqual(
              future.referrers(actor.stream, 'snapshot').map(stored),
            );
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('has nothing to say once the lab has caught up', () => {
    const base = folded(10);
    const overlay = new Overlay(base);
    for (const event of events.slice(10, 20)) overlay.advance(event);
    for (const event of events.slice(10, 20)) {
      base.fold(event);
      overlay.settle(event.stream, event.version);
    }
    expect(overlay.size).toBe(0);
  });

  test('refuses what is not legal and stays as it is', () => {
    const overlay = new Overlay(folded(10));
    const event = events.find(({ type }) => type === 'volume.rolled-back') as LabEvent;
    expect(overlay.advance(event)).toBe(false);
    expect(overlay.size).toBe(0);
  });
});

describe('machines', () => {
  test.each(kinds)('%s: neither delays, invokes nor spawns: a replica must fold it without a clock', (kind) => {
    for (const state of Object.values(machines[kind].machine.states)) {
      expect(state.invoke).toEqual([]);
      expect(state.after).toEqual([]);
    }
  });

  test.each(kinds)('%s: every state that asks for work names work that a worker does', (kind) => {
    const works = Object.keys(machines[kind].machine.states).map((state) => workNameOf(kind, state));
    const unknown = works.filter((name) => name !== undefined && !Object.hasOwn(workers, name));
    expect(unknown).toEqual([]);
  });

  test('every worker is asked for by a state', () => {
    const asked = kinds.flatMap((kind) =>
      Object.keys(machines[kind].machine.states).map((state) => workNameOf(kind, state)),
    );
    expect(Object.keys(workers).filter((name) => !asked.includes(name as keyof typeof workers))).toEqual([]);
  });

  test('whatever state of a history asks for work, its node gets the order with all that the worker needs', () => {
    const lab = new Lab();
    const ordered = new Set<string>();
    for (const event of events) {
      const { after } = lab.fold(event);
      const work = after && !after.final ? workNameOf(after.kind, after.state) : undefined;
      if (!after || work === undefined) continue;
      const order = workOf(after, lab);
      // Whoever leads a set of snapshots takes them all.
      const set = after.kind === 'snapshot' ? (after as ActorState<'snapshot'>).context.set : null;
      if (set && set.lead !== after.stream && lab.get(set.lead)?.state === 'taking') {
        expect(order).toBeUndefined();
        continue;
      }
      expect(order, `${after.stream} is ${after.state}`).toMatchObject({ work, subject: after.stream });
      expect(order?.node).toMatch(/^node:./);
      ordered.add(work);
    }
    expect([...ordered].toSorted()).toEqual(Object.keys(workers).toSorted());
  });

  test('an actor is born by its first event and by no other', () => {
    for (const event of events) {
      const { births } = machines[event.stream.split(':')[0] as (typeof kinds)[number]];
      expect(isLegal(undefined, event)).toBe(Object.hasOwn(births, event.type));
    }
  });
});
