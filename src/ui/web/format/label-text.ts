/** Labels as one types them: `zone=attic, disk=ssd`. Pure. */
import { labelKey, labelValue, type Labels } from '#events/values/name.ts';

export const labelText = (labels: Labels): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');

/** Commas or spaces between them. @returns undefined when something of it is no label */
export function parseLabels(text: string): Labels | undefined {
  const labels: Record<string, string> = {};
  for (const part of text.split(/[\s,]+/).filter((one) => one !== '')) {
    const [key = '', ...rest] = part.split('=');
    const value = rest.join('=');
    if (rest.length === 0 || !labelKey.safeParse(key).success || !labelValue.safeParse(value).success) return undefined;
    labels[key] = value;
  }
  return labels;
}
