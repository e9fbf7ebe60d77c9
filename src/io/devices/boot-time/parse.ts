/** `47619.08 31527.79`: seconds since the boot, and seconds in which the processors were idle. */
export function parseUptime(text: string): number | undefined {
  const [, seconds, hundredths] = /^(\d+)\.(\d\d) /.exec(text) ?? [];
  if (seconds === undefined || hundredths === undefined) return undefined;
  return Number(seconds) * 1000 + Number(hundredths) * 10;
}
