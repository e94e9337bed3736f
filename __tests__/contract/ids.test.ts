import { api } from '../support/api'
import { signIn } from '../support/factories'

describe('ids in paths', () => {
  const paths = [
    '/api/posts/ID',
    '/api/families/ID',
    '/api/families/ID/members',
    '/api/families/ID/invitations',
    '/api/users/ID/profile',
    '/api/users/ID/posts',
    '/api/users/ID/families',
  ]

  it.each(paths)(
    'of %s: returns 400 unless the id is a positive decimal integer, and 404 for unknown ids',
    async (path) => {
      const { token } = await signIn({ role: 'admin' })
      for (const id of ['0', '-0', '-1', '+1', '01', '1e3', '0x1', '1.0', '%201', '1%00', '٣', 'NaN', '__proto__']) {
        const response = await api('GET', path.replace('ID', id), { token })
        expect([id, response.status, Object.keys(response.json.error.details)]).toEqual([id, 400, ['id']])
      }
      const isEmptyList = path === '/api/users/ID/families'
      for (const id of ['2147483647', '2147483648', '9007199254740993', '9'.repeat(300)]) {
        const { status } = await api('GET', path.replace('ID', id), { token })
        expect([id, status]).toEqual([id, isEmptyList ? 200 : 404])
      }
    },
  )
})
