import { createHash } from 'node:crypto'
import type { Answer } from 'hookonce'
import { PAGE_STYLE, pageAnswer } from '../../http/html-page.js'

/** Sends the token once; the answer sets a cookie that scripts cannot read. */
const SCRIPT = `
const form = document.querySelector('form')
const logIn = async () => {
  const said = document.querySelector('output')
  const path = encodeURIComponent(new URL('.', location).pathname)
  const answer = await fetch('api/session?path=' + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: form.token.value }),
  })
  if (answer.ok) location.reload()
  else said.textContent = (await answer.json()).detail
}
form.addEventListener('submit', event => {
  event.preventDefault()
  logIn()
})
// A link may carry the token in its fragment, which is sent to no server. It is removed from the address bar.
const given = /^#token=(.+)$/.exec(location.hash)
if (given) {
  history.replaceState(null, '', location.pathname + location.search)
  form.token.value = decodeURIComponent(given[1])
  logIn()
}
`

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Hookonce: log in</title>
<style>${PAGE_STYLE}</style>
<h1>Hookonce</h1>
<p>This page is for operators. The token is that of <code>HOOKONCE_ADMIN_TOKEN</code>, or
of the file <code>operator-token</code> beside the store.</p>
<form>
<label>Token <input name="token" type="password" autocomplete="current-password" required autofocus></label>
<button>Log in</button>
</form>
<p><output></output></p>
<script>${SCRIPT}</script>
</html>
`

const SCRIPT_HASH = createHash('sha256').update(SCRIPT).digest('base64')

/** Asks for the token, then reloads the page. */
export function loginPage({ status, headers }: Answer): Answer {
  const page = pageAnswer(PAGE, { script: `'sha256-${SCRIPT_HASH}'`, connect: "'self'", status })
  const asked = headers.filter(([name]) => name === 'www-authenticate')
  return { ...page, headers: [...page.headers, ...asked] }
}
