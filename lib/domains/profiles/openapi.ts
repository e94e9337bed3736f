import { defineRoute, type ApiTag } from '@/lib/platform/operation'
import { profile, profilePath, replaceProfileBody } from './schema'

export const profileRoute = defineRoute(
  '/api/users/{id}/profile',
  { scope: 'users' },
  {
    GET: {
      id: 'getProfile',
      summary: 'Get a user’s profile',
      description: 'Returns null fields if the profile has not been filled in.',
      parameters: [profilePath],
      etag: true,
      postman: [{ path: { id: '{{myId}}' } }],
      responses: { 200: { description: 'The profile.', schema: profile } },
    },
    PUT: {
      id: 'replaceProfile',
      summary: 'Replace a user’s profile',
      description: 'Omitted fields are set to null.',
      parameters: [profilePath],
      body: replaceProfileBody,
      example: { bio: 'I write about engines.', location: 'London', birthDate: '1990-12-10' },
      ifMatch: true,
      postman: [{ path: { id: '{{myId}}' } }],
      responses: { 200: { description: 'The updated profile.', schema: profile } },
    },
  },
)

export const profilesTag: ApiTag = {
  tag: 'Profiles',
  description: 'User profiles, visible to any signed-in user.',
  schemas: { Profile: profile, ProfileReplacement: replaceProfileBody },
  operations: profileRoute.operations,
}
