/** The time zones that this browser knows; it leaves out the plainest one. */
export const timeZones: readonly string[] = ['UTC', ...Intl.supportedValuesOf('timeZone')];
