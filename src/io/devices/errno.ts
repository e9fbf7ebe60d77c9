/**
 * Why a call to the file system failed, by the kernel's name for it.
 *
 * Only "there is no such file" means that there is none. A disk that cannot be read, or a path that leads nowhere for
 * another reason, is an error: what it hides must not be taken for missing, and then be made anew or given up.
 */
export const isErrno = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

/** What the call finds; `otherwise` when there is nothing at the path. @throws whatever else the call rejects with */
export async function unlessMissing<T, U>(look: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await look;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return otherwise;
    throw error;
  }
}
