/** Who may ask for it. */
export const write = () => ({ verb: 'write', kind: 'pool' }) as const;
