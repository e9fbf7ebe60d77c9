import { describe, expect, it } from 'vitest';
import { machines } from '#actors/machines.ts';
import { kinds } from '#events/envelope.ts';
import { acceptedIn, chartOf } from '#ui/web/format/statechart.ts';

const chart = (kind: (typeof kinds)[number]) => chartOf(machines[kind].machine.config as never);

describe('statecharts', () => {
  it.each(kinds)('of %s have a place of its own for every state', (kind) => {
    const { states, columns, rows } = chart(kind);
    const places = states.map(({ column, row }) => `${column}/${row}`);
    expect(new Set(places).size).toBe(states.length);
    expect(states.every(({ column, row }) => column < columns && row < rows)).toBe(true);
  });

  it.each(kinds)('of %s lead only to states that exist, by events that the machine accepts', (kind) => {
    const { states, arcs } = chart(kind);
    const names = states.map(({ name }) => name);
    const { machine } = machines[kind];
    for (const { from, to, event } of arcs) {
      expect(names).toContain(to);
      expect(machine.events).toContain(event);
      expect(names).toContain(from);
    }
  });

  it('show what an app accepts, also what it accepts everywhere', () => {
    const accepted = acceptedIn(chart('app'), 'stopped').map(({ event, to }) => `${event} → ${to}`);
    expect(accepted).toEqual(
      expect.arrayContaining([
        'app.removal-requested → removing',
        'app.start-requested → starting',
        'app.tied → stopped',
        'app.updated → stopped',
      ]),
    );
  });

  it('know that a removal is not asked for twice, and that nothing follows the end', () => {
    const accepted = acceptedIn(chart('app'), 'removing');
    expect(accepted.filter(({ from, to }) => from !== to).map(({ event }) => event)).toEqual(['app.removed']);
    expect(accepted.map(({ event }) => event)).not.toContain('app.removal-requested');
    expect(acceptedIn(chart('volume'), 'deleted')).toEqual([]);
  });

  it('show every way of an event that depends on what is known', () => {
    const retried = acceptedIn(chart('volume'), 'failed').filter(({ event }) => event === 'volume.retried');
    expect(retried.map(({ to }) => to)).toEqual([
      'adopting',
      'changing',
      'cloning',
      'creating',
      'deleting',
      'releasing',
      'rolling-back',
      'taking-back',
    ]);
  });

  it('begin on the left and end on the right', () => {
    const { states, columns } = chart('volume');
    expect(states.find(({ name }) => name === 'unplaced')?.column).toBe(0);
    expect(states.find(({ isFinal }) => isFinal)?.column).toBe(columns - 1);
    expect(states.find(({ name }) => name === 'rolling-back')?.work).toBe('rollback-dataset');
  });
});
