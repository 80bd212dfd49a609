// Random numbers at build time, where StarlingMonkey would end: packages ask for some
// as their modules are evaluated. At run time they are the engine's own.

const builtIn = Math.random;
let state = 1;

Math.random = () => {
  // Minimal standard generator of Park and Miller.
  state = (state * 48271) % 2147483647;
  return (state - 1) / 2147483646;
};

export function begin() {
  Math.random = builtIn;
}
