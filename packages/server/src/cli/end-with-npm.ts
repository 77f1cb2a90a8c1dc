const CHECK_MS = 250

/** npm and npx hand some signals on to nobody: under them, a parent that is gone counts as SIGTERM. */
export function endWithNpm(): void {
  if (process.env.npm_command === undefined) return
  const parent = process.ppid
  const check = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(check)
    process.kill(process.pid, 'SIGTERM')
  }, CHECK_MS)
  check.unref()
  // What a drain still runs is not cut by a second signal.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => clearInterval(check))
}
