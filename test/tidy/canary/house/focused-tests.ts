/** One `only` that is left behind switches all other tests off. */
import { expect, test } from 'vitest';

test.only('adds', () => expect(1 + 1).toBe(2)); // ✗ vitest/no-focused-tests
test('adds', () => expect(1 + 2).toBe(3)); // ✗ vitest/no-identical-title
