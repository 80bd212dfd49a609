// Why there is no component, in words for the author of the ability.

export const CANNOT_BE_BUILT = 1;
export const WRONG_USAGE = 2;
export const MISSING_TOOL = 3;

export class Failure extends Error {
  constructor(message, exitCode = CANNOT_BE_BUILT) {
    super(message);
    this.exitCode = exitCode;
  }
}
