import { apiKeysDomain } from '@/lib/domains/auth/api-keys/openapi'
import { auditDomain } from '@/lib/domains/audit/openapi'
import { authDomain } from '@/lib/domains/auth/openapi'
import { familiesDomain } from '@/lib/domains/families/openapi'
import { invitationsDomain } from '@/lib/domains/families/invitations/openapi'
import { postsDomain } from '@/lib/domains/posts/openapi'
import { profilesDomain } from '@/lib/domains/profiles/openapi'
import { filesDomain } from '@/lib/domains/files/openapi'
import { contactDomain } from '@/lib/domains/contact/openapi'
import { productsDomain } from '@/lib/domains/products/openapi'
import { sessionsDomain } from '@/lib/domains/auth/sessions/openapi'
import { recoveryDomain } from '@/lib/domains/auth/recovery/openapi'
import { systemDomain } from '@/lib/domains/system/openapi'
import { uploadsDomain } from '@/lib/domains/files/uploads/openapi'
import { usersDomain } from '@/lib/domains/users/openapi'
import type { ApiTag } from './operation'

/** The sections of the document, in their order. */
export const domains: readonly ApiTag[] = [
  systemDomain,
  authDomain,
  sessionsDomain,
  recoveryDomain,
  usersDomain,
  profilesDomain,
  familiesDomain,
  invitationsDomain,
  postsDomain,
  productsDomain,
  apiKeysDomain,
  auditDomain,
  filesDomain,
  uploadsDomain,
  contactDomain,
]
