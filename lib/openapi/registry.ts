import { apiKeysTag } from '@/lib/domains/auth/api-keys/openapi'
import { auditTag } from '@/lib/domains/audit/openapi'
import { authTag } from '@/lib/domains/auth/openapi'
import { familiesTag } from '@/lib/domains/families/openapi'
import { invitationsTag } from '@/lib/domains/families/invitations/openapi'
import { jobsTag } from '@/lib/domains/jobs/openapi'
import { postsTag } from '@/lib/domains/posts/openapi'
import { profilesTag } from '@/lib/domains/profiles/openapi'
import { filesTag } from '@/lib/domains/files/openapi'
import { contactTag } from '@/lib/domains/contact/openapi'
import { productsTag } from '@/lib/domains/products/openapi'
import { signInTag } from '@/lib/domains/auth/sign-in/openapi'
import { sessionsTag } from '@/lib/domains/auth/sessions/openapi'
import { recoveryTag } from '@/lib/domains/auth/recovery/openapi'
import { systemTag } from '@/lib/domains/system/openapi'
import { eventsTag } from '@/lib/domains/events/openapi'
import { batchTag } from '@/lib/domains/batch/openapi'
import { uploadsTag } from '@/lib/domains/files/uploads/openapi'
import { usersTag } from '@/lib/domains/users/openapi'
import type { ApiTag } from '@/lib/platform/operation'

/** The sections of the document and of the Postman collection, in order. */
export const apiTags: readonly ApiTag[] = [
  systemTag,
  authTag,
  signInTag,
  sessionsTag,
  recoveryTag,
  usersTag,
  profilesTag,
  familiesTag,
  invitationsTag,
  postsTag,
  productsTag,
  apiKeysTag,
  auditTag,
  filesTag,
  uploadsTag,
  contactTag,
  eventsTag,
  batchTag,
  jobsTag,
]
