/** Only programs that a person reads write to the console; the rest has a log. */
console.log('hello'); // ✗ no-console
export const thrown = (): never => {
  throw 'text'; // ✗ typescript/only-throw-error
};
export const loose = (value: any): boolean => value == 1; // ✗ typescript/no-explicit-any, eqeqeq
