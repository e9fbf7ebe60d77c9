/** A promise that nobody waits for loses its errors. */
export async function work(): Promise<number> {
  return 1;
}

export async function forgetful(): Promise<void> {
  work(); // ✗ typescript/no-floating-promises
  void work();
  await work();
  [1, 2].forEach(async () => work()); // ✗ typescript/no-misused-promises
  await 1; // ✗ typescript/await-thenable, unicorn/no-unnecessary-await
}
