// Under Node there is no host: tests put one there (`ability-storage/testing`).

const HOW =
  "there is no storage outside of a component; in tests, call memoryStorage() of ability-storage/testing first";

function none() {
  throw new Error(HOW);
}

export const host = new Proxy({}, { get: () => none });

export const running = host;
