import { expect, test } from 'vitest';
import { quickFix } from '#actors/compose/edit/quick-fix.ts';
import { readCompose } from '#actors/compose/read.ts';
import { input } from '../fixtures.ts';

const fixed = (text: string): readonly (string | undefined)[] => {
  const read = readCompose(input(text));
  return 'findings' in read ? read.findings.map((finding) => quickFix(text, finding)?.text) : [];
};

test('a misspelt key gets the name that was meant, with its comment and its quotes', () => {
  const text = 'services:\n  web:\n    image: nginx\n    "volums": [] # none\n';
  expect(fixed(text)).toEqual([text.replace('volums', 'volumes')]);
});

test('a misspelt name of something else in the file does, too', () => {
  const text = 'services:\n  web:\n    image: nginx\n    depends_on: [databse]\n  database: { image: postgres }\n';
  expect(fixed(text)).toEqual([text.replace('databse', 'database')]);
});

test('of a mount the name of its volume is mended', () => {
  const text = 'services:\n  web:\n    image: nginx\n    volumes: ["dta:/data"]\nvolumes: { data: }\n';
  expect(fixed(text)).toEqual([text.replace('dta:', 'data:')]);
});

test('what a person has to decide, and what others share, is left to a person', () => {
  expect(fixed('services:\n  web: { image: nginx, ports: ["80"] }\n')).toEqual([undefined]);
  const shared = 'services:\n  web: &web\n    image: nginx\n    volums: []\n  more: *web\n';
  expect(fixed(shared)).toEqual([undefined]);
});
