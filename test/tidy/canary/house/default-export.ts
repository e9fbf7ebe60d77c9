/** A name belongs to its file: it is not chosen by whoever imports it. */
export default 1; // ✗ import/no-default-export
