import { expect, test } from 'vitest';
import { nearest } from '#actors/compose/suggest.ts';

const words = ['image', 'ports', 'volumes', 'restart', 'environment', 'env_file', 'depends_on'];

test.each([
  ['imgae', 'image'],
  ['Image', 'image'],
  ['port', 'ports'],
  ['enviroment', 'environment'],
  ['depends-on', 'depends_on'],
  ['envfile', 'env_file'],
  ['restrat', 'restart'],
])('%s means %s', (written, meant) => expect(nearest(written, words)).toBe(meant));

test.each(['colour', 'x', '', 'entirely different', 'p'.repeat(100)])('%j means none of them', (written) =>
  expect(nearest(written, words)).toBeUndefined(),
);
