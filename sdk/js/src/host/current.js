// The host that all calls go to: that of the component, or that of a test.

import { host as own } from "#host";

let current = own;

/** What storage and standard streams are asked of. */
export function host() {
  return current;
}

/** Puts another host in place, for tests; returns the one before. */
export function setHost(next) {
  const before = current;
  current = next ?? own;
  return before;
}
