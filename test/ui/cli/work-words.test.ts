import { workWords } from '#ui/cli/work-words.ts';
import { expect, test } from 'vitest';

test('what an agent does is said in words, its own when it has some', () => {
  expect(workWords({ work: 'start-instance', text: '' })).toBe('starting services');
  expect(workWords({ work: 'start-instance', text: 'start-instance' })).toBe('starting services');
  expect(workWords({ work: 'start-instance', text: 'pulling nginx:1.27' })).toBe('pulling nginx:1.27');
});

test('work of a newer lab is called as the lab calls it', () => {
  expect(workWords({ work: 'paint-fence', text: '' })).toBe('paint-fence');
});
