/** Sentences of the lab put names between backticks; here they are shown as what they are. */
export const Marked = ({ text }: { readonly text: string }) => (
  <>{text.split(/`([^`]+)`/).map((piece, n) => (n % 2 === 1 ? <code key={n}>{piece}</code> : piece))}</>
);
