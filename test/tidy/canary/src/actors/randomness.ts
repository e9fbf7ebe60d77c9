/** A pure room throws no dice. */
export const largest = Math.max(1, 2);
export const dice = Math.random(); // ✗ no-restricted-properties
export const { random } = Math; // ✗ no-restricted-properties
export const id = crypto.randomUUID(); // ✗ no-restricted-globals
