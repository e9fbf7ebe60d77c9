// Runs before the first paint, so that a dark lab does not flash white. The key is the one of `theme/theme.ts`.
(function () {
  let wanted = null;
  try {
    wanted = localStorage.getItem('floatlab.theme');
  } catch (_) {
    // Storage may be forbidden; then the system decides.
  }
  const dark = wanted === 'dark' || (wanted !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
