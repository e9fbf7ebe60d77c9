export const name = 'NotKebab'; // ✗ unicorn/filename-case
