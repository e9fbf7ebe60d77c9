import { contextName } from '#ui/cli/context-name.ts';
import { expect, test } from 'vitest';

const of = (...servers: readonly string[]): string[] => {
  const contexts: Record<string, { server: string }> = {};
  for (const server of servers) contexts[contextName(server, contexts)] = { server };
  return Object.keys(contexts);
};

test('a lab is called after its host, with the port where that is not the usual one', () => {
  expect(of('https://atlas.lab:7400', 'https://vega.lab', 'http://127.0.0.1:7481', 'http://[::1]:7400')).toEqual([
    'atlas',
    'vega-443',
    '127.0.0.1-7481',
    '::1',
  ]);
});

test('labs of one host and of one short name are told apart', () => {
  expect(of('http://127.0.0.1:7400', 'http://127.0.0.1:7481')).toEqual(['127.0.0.1', '127.0.0.1-7481']);
  expect(of('https://atlas.lab:7400', 'https://atlas.home:7400', 'https://atlas.work:7400')).toEqual([
    'atlas',
    'atlas-7400',
    'atlas.work-7400',
  ]);
  expect(of('http://127.0.0.1:7481', 'https://127.0.0.1:7481')).toEqual(['127.0.0.1-7481', '127.0.0.1-7481-2']);
});

test('a server that has a context keeps its name', () => {
  expect(contextName('http://127.0.0.1:7481', { '127.0.0.1-2': { server: 'http://127.0.0.1:7481' } })).toBe(
    '127.0.0.1-2',
  );
});

test('a name is never taken from another server', () => {
  const contexts = { atlas: { server: 'https://atlas.home:7400' } };
  expect(contextName('https://atlas.lab:7400', contexts)).toBe('atlas-7400');
});
