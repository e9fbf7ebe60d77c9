/**
 * Names that people give to things. One grammar everywhere: a DNS label, because names become host
 * names, container names and directory names. Nothing that matches can be an option, a path or a trick
 * of unicode: no slash, dot, space, upper case or leading dash.
 */
import * as z from 'zod';

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export const nameRule = 'use 1 to 63 of a–z, 0–9 and "-", beginning and ending with a letter or a digit';

export const name = z.string().regex(label, `not a valid name: ${nameRule}`);

export const isName = (text: string): boolean => label.test(text);

/** Service names follow compose, which also allows "_" and ".". */
export const serviceName = z
  .string()
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/,
    'not a valid service name: use 1 to 63 of letters, digits, ".", "_" and "-"',
  );

/** Keys of labels and annotations, as in Kubernetes: an optional prefix and a slash before a name. */
export const labelKey = z
  .string()
  .regex(
    /^(?:[a-z0-9][a-z0-9.-]{0,251}[a-z0-9]\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'not a valid label key',
  );

export const labelValue = z.string().max(256);

export const labels = z.record(labelKey, labelValue);
export type Labels = Readonly<z.infer<typeof labels>>;
