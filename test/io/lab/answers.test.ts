import { expect, test } from 'vitest';
import { readRunResult } from '#io/lab/answers.ts';

const event = { stream: 'volume:a', type: 'volume.created', data: { name: 'photos' }, words: 'photos was created' };
const done = { index: 7, unchanged: false, operation: null, events: [event] };

test('an answer of the leader is taken as it is', () => {
  expect(readRunResult(done)).toEqual({ index: 7, unchanged: false, operation: undefined, events: [event] });
  expect(readRunResult({ ...done, operation: 'operation:x', changes: ['bigger'] })).toMatchObject({
    operation: 'operation:x',
    changes: ['bigger'],
  });
  const rejected = { code: 'NAME_TAKEN', explain: 'There is one.', hint: 'Take another.' };
  expect(readRunResult({ rejected })).toEqual({ rejected });
});

test('a refusal of a later version keeps its words, whatever its code', () => {
  const rejected = { code: 'MOON_IN_THE_WAY', explain: 'The moon is in the way.' };
  expect(readRunResult({ rejected })).toEqual({ rejected: { code: 'NOT_NOW', explain: 'The moon is in the way.' } });
});

test.each([
  ['nothing', undefined],
  ['something else', { ok: true }],
  ['no index', { ...done, index: -1 }],
  ['a stream that is none', { ...done, events: [{ ...event, stream: 'x' }] }],
  ['words without end', { ...done, events: [{ ...event, words: 'x'.repeat(100_000) }] }],
  ['a refusal without a reason', { rejected: { code: 'NOT_NOW' } }],
])('%s is no answer', (_, said) => {
  expect(readRunResult(said)).toBeUndefined();
});
