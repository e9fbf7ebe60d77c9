import { expect, test } from 'vitest';
import { z } from 'zod';
import { event } from '#events/define.ts';
import { eventTypes, registry, upcast } from '#events/registry.ts';

test('every type reads noun.past-verb and has a schema number', () => {
  for (const type of eventTypes) {
    expect(type).toMatch(/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/);
    expect(registry[type].schema).toBeGreaterThanOrEqual(1);
  }
});

test('an event of a later version of FloatLab is refused, and says to upgrade', () => {
  expect(() => upcast('volume.created', 99, {})).toThrow(/upgrade this node/);
  expect(() => upcast('volume.painted', 1, {})).toThrow(/unknown to this version/);
});

test('a schema number without all upcasts to it cannot be declared', () => {
  expect(() => event(3, z.strictObject({}), { 1: () => ({}) })).toThrow(/no upcast from schema 2/);
  expect(event(2, z.strictObject({}), { 1: () => ({}) }).schema).toBe(2);
});

test('unknown fields are refused: what is stored is exactly what is declared', () => {
  expect(registry['volume.drained'].data.safeParse({ extra: 1 }).success).toBe(false);
});
