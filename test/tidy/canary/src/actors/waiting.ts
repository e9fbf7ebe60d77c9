/** A pure room waits for nothing: no timers, no promises. */
export const soon = setTimeout(() => undefined, 1); // ✗ no-restricted-globals
export const often = setInterval(() => undefined, 1); // ✗ no-restricted-globals
export const next = setImmediate(() => undefined); // ✗ no-restricted-globals
queueMicrotask(() => undefined); // ✗ no-restricted-globals
export const done = Promise.resolve(1); // ✗ no-restricted-globals
export const wait = async () => 1; // ✗ oxc/no-async-await
