import type { Prisma } from '@/prisma/generated/client'

/** The columns of a user that API responses expose. */
export const userColumns = {
  id: true,
  email: true,
  pendingEmail: true,
  name: true,
  role: true,
  emailVerified: true,
  createdAt: true,
  updatedAt: true,
} satisfies Prisma.UserSelect
