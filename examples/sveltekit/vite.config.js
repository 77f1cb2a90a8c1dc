import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'

// Left out of the bundle: the SQLite store starts a worker thread from its own file.
export default defineConfig({ plugins: [sveltekit()], ssr: { external: ['hookonce'] } })
