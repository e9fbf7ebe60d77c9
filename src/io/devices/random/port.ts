/** Chance, given to everything that needs it. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A fresh id of a command: 20 characters of a–z and 0–9. */
  id(): string;
}
