/** A pure room gives the same bytes in every language, time zone and process. */
export const host = process.platform; // ✗ no-restricted-globals
export const bytes = Buffer.from('a'); // ✗ no-restricted-globals
export const order = 'a'.localeCompare('b'); // ✗ no-restricted-properties
export const shown = (5000).toLocaleString(); // ✗ no-restricted-properties
export const hour = new Date(0).getHours(); // ✗ no-restricted-properties
export const hourAnywhere = new Date(0).getUTCHours();
