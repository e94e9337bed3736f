import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { providers } from './schema'

export const providersRoute = defineRoute('/api/auth/providers', 'public', {
  GET: {
    id: 'listProviders',
    summary: 'List the ways to sign in',
    etag: true,
    responses: { 200: { description: 'What this server offers.', schema: providers } },
  },
})

export const signInTag: ApiTag = {
  tag: 'Ways to sign in',
  description: 'What a sign-in page needs to know.',
  schemas: { Providers: providers },
  operations: [providersRoute.GET],
}
