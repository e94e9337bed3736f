import { logger } from '@/lib/logger'
import type { MailJob } from '@/lib/platform/queue/mail-job'
import { render } from './templates'
import { sendMail } from './transport'

/** Handles a `send-mail` job. */
export async function runMailJob({ messageId, to, content, expiresAt }: MailJob): Promise<void> {
  if (expiresAt !== undefined && expiresAt.getTime() <= Date.now()) {
    logger().warn({ messageId, template: content.template }, 'email skipped: its link has expired')
    return
  }
  await sendMail({ messageId, to, ...render(content) })
}
