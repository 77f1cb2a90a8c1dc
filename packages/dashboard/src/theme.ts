import { useEffect, useState } from 'preact/hooks'

export type Theme = 'light' | 'dark'

const STORED = 'hookonce-theme'
const system = matchMedia('(prefers-color-scheme: dark)')

/** Before the first picture: what was chosen last, else what the system prefers. */
export function restoreTheme(): void {
  const chosen = localStorage.getItem(STORED)
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
}

function currentTheme(): Theme {
  const { theme } = document.documentElement.dataset
  if (theme === 'light' || theme === 'dark') return theme
  return system.matches ? 'dark' : 'light'
}

/** The theme that is shown, and what shows the other one. Back at the system's, its changes are followed again. */
export function useTheme(): [theme: Theme, toggle: () => void] {
  const [theme, setTheme] = useState(currentTheme)
  useEffect(() => {
    const follow = () => setTheme(currentTheme())
    system.addEventListener('change', follow)
    return () => system.removeEventListener('change', follow)
  }, [])
  const toggle = () => {
    const next = theme === 'dark' ? 'light' : 'dark'
    if ((next === 'dark') === system.matches) {
      delete document.documentElement.dataset.theme
      localStorage.removeItem(STORED)
    } else {
      document.documentElement.dataset.theme = next
      localStorage.setItem(STORED, next)
    }
    setTheme(next)
  }
  return [theme, toggle]
}
