/** What a file that shall be imported is, by how it begins. Pure. */

const compressed: readonly (readonly [string, readonly number[], string])[] = [
  ['gzip', [0x1f, 0x8b], 'gunzip'],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd], 'unzstd'],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a], 'unxz'],
  ['bzip2', [0x42, 0x5a, 0x68], 'bunzip2'],
];
const zip = [0x50, 0x4b, 0x03, 0x04];

/** @param head its first bytes, six are enough @returns why it is no tar; undefined when it may be one */
export function archiveTrouble(head: Uint8Array): string | undefined {
  if (head.length === 0) return 'This file is empty.';
  const begins = (bytes: readonly number[]): boolean => bytes.every((byte, n) => head[n] === byte);
  const found = compressed.find(([, bytes]) => begins(bytes));
  if (found) return `This is compressed with ${found[0]}. Unpack it first: ${found[2]} FILE.`;
  return begins(zip) ? 'This is a zip. Make a tar of what is in it.' : undefined;
}
