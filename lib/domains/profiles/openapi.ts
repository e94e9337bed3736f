import type { ApiTag } from '@/lib/openapi/operation'
import { profile, profilePath, replaceProfileBody } from './schema'

const path = '/api/users/{id}/profile'

/** What users tell about themselves. */
export const profilesDomain: ApiTag = {
  tag: 'Profiles',
  description: 'What users tell about themselves, for everybody who is signed in.',
  schemas: { Profile: profile, ProfileReplacement: replaceProfileBody },
  operations: [
    {
      id: 'getProfile',
      method: 'get',
      path,
      summary: 'Read a user’s profile',
      description: 'Whoever told nothing yet has a profile of nulls.',
      audience: 'user',
      scope: 'users:read',
      parameters: [profilePath],
      etag: true,
      postman: [{ path: { id: '{{myId}}' } }],
      answers: { 200: { description: 'The profile.', schema: profile } },
    },
    {
      id: 'replaceProfile',
      method: 'put',
      path,
      summary: 'Replace a user’s profile',
      description: 'What is not named becomes null.',
      audience: 'self',
      scope: 'users:write',
      parameters: [profilePath],
      body: replaceProfileBody,
      example: { bio: 'I write about engines.', location: 'London', birthDate: '1990-12-10' },
      ifMatch: true,
      postman: [{ path: { id: '{{myId}}' } }],
      answers: { 200: { description: 'The profile as it is now.', schema: profile } },
    },
  ],
}
