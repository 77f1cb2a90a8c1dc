/** 0: done; 1: something was not found, or failed. */
export type ExitCode = 0 | 1
