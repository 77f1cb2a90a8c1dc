import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import llmstxt from 'vitepress-plugin-llms'

const pages = fileURLToPath(new URL('../pages/', import.meta.url))

/** In the order in which they are read; the other parts are to look up. */
const GUIDE = ['install', 'first-delivery', 'concepts', 'modes-and-stores', 'guarantees']

export default defineConfig({
  title: 'Hookonce',
  description: 'A webhook receiver with idempotency keys that records one result per event',
  lang: 'en',
  srcDir: 'pages',
  outDir: 'dist',
  cleanUrls: true,
  // A link that leads nowhere ends the build; addresses of this machine are examples.
  ignoreDeadLinks: [/^http:\/\/localhost:/],
  vite: { plugins: [llmstxt()] },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/guide/install' },
      { text: 'How-to', link: '/how-to/express' },
      { text: 'Reference', link: '/reference/library' },
      { text: 'API', link: '/reference/api/' },
    ],
    sidebar: [
      { text: 'Guide', items: GUIDE.map(name => page(`guide/${name}.md`)) },
      { text: 'How-to', collapsed: false, items: pagesIn('how-to') },
      {
        text: 'Reference',
        collapsed: true,
        items: [
          ...pagesIn('reference'),
          { text: 'Senders', collapsed: true, items: pagesIn('reference/senders') },
          { text: 'Stores', collapsed: true, items: pagesIn('reference/stores') },
        ],
      },
      { text: 'API', collapsed: true, items: pagesIn('reference/api', { below: true }) },
      { text: 'Internals', collapsed: true, items: [...pagesIn('internals'), ...pagesIn('internals/adr')] },
    ],
    socialLinks: [{ icon: 'github', link: 'https://github.com/hookonce/hookonce' }],
  },
})

/** By title. */
function pagesIn(folder, { below = false } = {}) {
  return readdirSync(`${pages}${folder}`, { recursive: below })
    .filter(name => name.endsWith('.md'))
    .map(name => page(`${folder}/${name}`))
    .sort((one, other) => one.text.localeCompare(other.text))
}

/** Without the code marks of its heading. */
function page(path) {
  const title = /^# (.*)$/m.exec(readFileSync(pages + path, 'utf8'))?.[1] ?? path
  const text = title.replaceAll('`', '').replaceAll('\\', '')
  return { text, link: `/${path.replace(/(index)?\.md$/, '')}` }
}
