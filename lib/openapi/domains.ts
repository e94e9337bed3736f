import { authDomain } from '@/lib/auth/openapi'
import { systemDomain } from '@/lib/system/openapi'
import { usersDomain } from '@/lib/users/openapi'
import type { Domain } from './operation'

/** The sections of the document, in their order. */
export const domains: readonly Domain[] = [systemDomain, authDomain, usersDomain]
