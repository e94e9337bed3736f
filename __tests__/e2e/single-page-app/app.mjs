// A client on another origin than the API, whose URL is in `?api=`. The access token is only in memory, the refresh token in
// an HttpOnly cookie.

const api = new URLSearchParams(location.search).get('api') ?? ''

/** @type {string | undefined} */
let token

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`There is no #${id}`)
  return found
}

/**
 * @param {string} id
 * @param {unknown} value
 */
function show(id, value) {
  element(id).textContent = String(value)
}

/** Runs the action of an event and shows its error.
 * @param {() => Promise<void>} work */
function attempt(work) {
  show('failure', '')
  work().catch((error) => show('failure', error))
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
function send(path, init) {
  const headers = new Headers(init.headers)
  if (token !== undefined) headers.set('Authorization', `Bearer ${token}`)
  return fetch(api + path, { ...init, headers, credentials: 'include' })
}

async function refresh() {
  const response = await send('/api/auth/refresh', { method: 'POST' })
  if (!response.ok) throw new Error(`refused with ${response.status}`)
  token = (await response.json()).token
  show('refreshes', Number(element('refreshes').textContent) + 1)
}

/** Sends a request, and repeats it with a new access token if the current one has expired.
 * @param {string} path
 * @param {RequestInit} init */
async function call(path, init = {}) {
  const response = await send(path, init)
  if (response.status !== 401) return response
  await refresh()
  return send(path, init)
}

element('sign-in').addEventListener('submit', (event) => {
  event.preventDefault()
  if (!(event.target instanceof HTMLFormElement)) return
  const { email, password } = Object.fromEntries(new FormData(event.target))
  attempt(async () => {
    const response = await send('/api/auth/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email, password, session: 'cookie' }),
    })
    const signedIn = await response.json()
    if (!response.ok) throw new Error(signedIn.error.code)
    if ('refreshToken' in signedIn) throw new Error('A script can read the refresh token.')
    token = signedIn.token
    show('user', signedIn.user.email)
  })
})

element('load').addEventListener('click', () => {
  attempt(async () => {
    const response = await call('/api/auth/me')
    if (!response.ok) throw new Error(`refused with ${response.status}`)
    show('user', (await response.json()).user.email)
    show('etag', response.headers.get('ETag'))
    show('request-id', response.headers.get('X-Request-Id'))
  })
})

element('sign-out').addEventListener('click', () => {
  attempt(async () => {
    await send('/api/auth/logout', { method: 'POST' })
    token = undefined
    show('user', '')
  })
})

element('file').addEventListener('change', ({ target }) => {
  const file = target instanceof HTMLInputElement ? target.files?.[0] : undefined
  if (file === undefined) return
  /** @type {number[]} */
  const steps = []
  const request = new XMLHttpRequest()
  request.upload.addEventListener('progress', ({ loaded, total }) => {
    steps.push(Math.floor((100 * loaded) / total))
    show('progress', steps.join(' '))
  })
  request.addEventListener('load', () => {
    show('etag', request.getResponseHeader('ETag'))
    show('uploaded', `${request.status} ${request.responseText}`)
  })
  request.addEventListener('error', () => show('failure', 'The upload failed.'))
  request.open('PUT', `${api}/api/files/me/${encodeURIComponent(file.name)}`)
  request.setRequestHeader('Authorization', `Bearer ${token}`)
  request.send(file)
})
