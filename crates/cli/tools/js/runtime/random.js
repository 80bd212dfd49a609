// Random numbers of the host. The engine's own generator is seeded at build time and
// would give the same numbers at each start.

import { host } from "ability-storage/runtime";
import { loop } from "./loop.js";

const builtIn = Math.random;
const AT_ONCE = 1024;

let pool = new DataView(new ArrayBuffer(0));
let at = 0;

/** A number from 0 to below 1, of 53 random bits. */
export function random() {
  if (!loop.begun) return builtIn();
  if (at + 8 > pool.byteLength) {
    const bytes = host().randomBytes(AT_ONCE);
    pool = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    at = 0;
  }
  const high = pool.getUint32(at) >>> 5;
  const low = pool.getUint32(at + 4) >>> 6;
  at += 8;
  return (high * 2 ** 26 + low) / 2 ** 53;
}
