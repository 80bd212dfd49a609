// What JSON in files may hold, the same in all languages.

/** How many arrays and objects may be inside each other. */
export const MAX_DEPTH = 127;

/** The integers that the other languages read back as they are. */
const MIN_INTEGER = -(2n ** 63n);
const MAX_INTEGER = 2n ** 64n - 1n;

/** Whether the BigInt is one of 64 bits, with a sign or without. */
export function has64Bits(integer) {
  return MIN_INTEGER <= integer && integer <= MAX_INTEGER;
}
