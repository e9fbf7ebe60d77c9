/** Commands that travel as one entry come back as they were; one alone stands in the log as it always did. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packEntry } from '#io/log/codec.ts';
import { packBatch, unpackBatch } from '#io/log/raft/engine/batch.ts';
import { entryFor } from '#test/io/log/entries.ts';

const command = fc.string().map((text) => packEntry(entryFor(['volume:a'], { command: text, text })));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('what was packed together comes back in its order', () => {
  fc.assert(
    fc.property(fc.array(command, { minLength: 1, maxLength: 8 }), (commands) => {
      expect(unpackBatch(packBatch(commands)).map(hex)).toEqual(commands.map(hex));
    }),
  );
});

test('one command is an entry as it is', () => {
  fc.assert(fc.property(command, (one) => packBatch([one]) === one));
});

test('bytes of another form are refused, and so is a batch that is cut short', () => {
  const two = packBatch([1, 2].map((n) => packEntry(entryFor(['volume:a'], { command: `c${n}` }))));
  const refused = [new Uint8Array(0), Uint8Array.of(2, 0, 0, 0, 0), two.subarray(0, -1), two.subarray(0, 3)];
  for (const bytes of refused) expect(() => unpackBatch(bytes)).toThrow(expect.objectContaining({ code: 'TOO_NEW' }));
});
