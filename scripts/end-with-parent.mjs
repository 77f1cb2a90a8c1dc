const CHECK_MS = 250

/** npm ends with SIGHUP and passes it on to nobody: a parent that is gone counts as SIGTERM, unless a signal came first. */
export function endWithParent() {
  const parent = process.ppid
  const check = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(check)
    process.kill(process.pid, 'SIGTERM')
  }, CHECK_MS)
  check.unref()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, () => clearInterval(check))
}
