/** Why a command does not begin or go on, as one line for a person. Exit code 2: what was asked for cannot be; 1: it could not be done. */
export class StartError extends Error {
  readonly exitCode: 1 | 2

  constructor(message: string, exitCode: 1 | 2 = 2, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StartError'
    this.exitCode = exitCode
  }
}
