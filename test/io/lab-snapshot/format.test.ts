import { expect, test } from 'vitest';
import { blobPart, checksumLine, mostBytesOf, parseChecksums } from '#io/lab-snapshot/format.ts';

test('however many files a lab has, the sums of all of them are read', () => {
  const sum = 'e'.repeat(64);
  // More than fit into the limit of other parts.
  const names = Array.from({ length: 130_000 }, (_, at) => blobPart(at.toString(16).padStart(64, '0')));
  const text = names.map((name) => checksumLine(name, sum)).join('');
  expect(text.length).toBeGreaterThan(mostBytesOf('manifest', names.length));
  expect(text.length).toBeLessThanOrEqual(mostBytesOf('checksums', names.length));
  expect(parseChecksums(text)?.size).toBe(names.length);
});
