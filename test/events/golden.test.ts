/** Every event that was ever stored must be read for ever. A new schema adds lines to the golden log, it changes none. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { LabEvent } from '#events/envelope.ts';
import { eventTypes, registry, upcast } from '#events/registry.ts';
import { Folded, tableViews } from '#io/lab/folded.ts';
import { stored } from '#io/lab/state.ts';
import { kinds } from '#events/envelope.ts';
import '#test/actors/test-lab.ts';

const lines = readFileSync(new URL('../golden/log.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const golden = lines.map((line) => JSON.parse(line) as LabEvent);

describe('the golden log', () => {
  test('has an event of every type in its current schema', () => {
    const known = new Set(golden.map(({ type, schema }) => `${type} ${schema}`));
    expect(eventTypes.filter((type) => !known.has(`${type} ${registry[type].schema}`))).toEqual([]);
  });

  test.each(golden.map((event) => [`${event.index} ${event.type}`, event] as const))(
    'event %s is still read',
    (_, event) => {
      const data = upcast(event.type, event.schema, event.data);
      expect(registry[event.type].data.safeParse(data).success).toBe(true);
    },
  );

  test('still folds to the same lab and the same rows', async () => {
    const folded = new Folded();
    for (const event of golden) {
      const data = upcast(event.type, event.schema, event.data) as LabEvent['data'];
      folded.fold({ ...event, data } as LabEvent);
    }
    const quarantined = kinds.flatMap((kind) => folded.lab.list(kind)).filter((actor) => actor.quarantined !== null);
    expect(quarantined).toEqual([]);
    const result = {
      actors: kinds.flatMap((kind) => folded.lab.list(kind).map(stored)),
      rows: Object.fromEntries(tableViews.map((view) => [view, folded.rows(view)])),
    };
    await expect(`${JSON.stringify(result, null, 1)}\n`).toMatchFileSnapshot('../golden/lab.json');
  });
});
