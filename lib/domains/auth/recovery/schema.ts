import { email, newPassword } from '@/lib/platform/identity/schema'
import { object, text, type Infer } from '@/lib/validation'

const token = () => text({ min: 1, max: 512 })

export const forgotPasswordBody = object({ required: { email: email() } })

export const resetPasswordBody = object({ required: { token: token(), password: newPassword() } })
export type PasswordReset = Infer<typeof resetPasswordBody>

export const revertEmailBody = object({ required: { token: token() } })

export const verifyEmailBody = object({ required: { token: token() } })
