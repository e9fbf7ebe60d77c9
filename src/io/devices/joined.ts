/**
 * Looks that may hang: at a share whose server is gone, at a disk that does not answer. Each keeps a thread of those that
 * Node has for files, and nothing ends it. So there is one for each key: whoever asks meanwhile gets the same answer.
 */
export function joined<T>(look: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const underWay = new Map<string, Promise<T>>();
  return (key) => {
    const known = underWay.get(key);
    if (known) return known;
    const looking = look(key).finally(() => underWay.delete(key));
    underWay.set(key, looking);
    return looking;
  };
}
