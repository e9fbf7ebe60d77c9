/** A pure room has no clock; it may read a time that was given. */
export const given = (at: number): Date => new Date(at);
export const isDate = (value: Date | number): value is Date => typeof value !== 'number';

export const now = Date.now(); // ✗ floatlab/clock
export const today = new Date(); // ✗ floatlab/clock
export const text = Date(); // ✗ floatlab/clock
export const Clock = Date; // ✗ floatlab/clock
export const hidden = globalThis.performance; // ✗ no-restricted-globals
