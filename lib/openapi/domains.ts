import { apiKeysDomain } from '@/lib/api-keys/openapi'
import { auditDomain } from '@/lib/audit/openapi'
import { authDomain } from '@/lib/auth/openapi'
import { familiesDomain } from '@/lib/families/openapi'
import { invitationsDomain } from '@/lib/invitations/openapi'
import { postsDomain } from '@/lib/posts/openapi'
import { profilesDomain } from '@/lib/profiles/openapi'
import { filesDomain } from '@/lib/files/openapi'
import { contactDomain } from '@/lib/contact/openapi'
import { productsDomain } from '@/lib/products/openapi'
import { sessionsDomain } from '@/lib/sessions/openapi'
import { recoveryDomain } from '@/lib/recovery/openapi'
import { systemDomain } from '@/lib/system/openapi'
import { uploadsDomain } from '@/lib/uploads/openapi'
import { usersDomain } from '@/lib/users/openapi'
import type { Domain } from './operation'

/** The sections of the document, in their order. */
export const domains: readonly Domain[] = [
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
