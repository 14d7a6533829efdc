export const time = {
  justNow: '刚刚',
  minutesAgo: (n: number) => `${n} 分钟前`,
  hoursAgo: (n: number) => `${n} 小时前`,
  yesterday: (clock: string) => `昨天 ${clock}`,
  left: (span: string) => `剩 ${span}`,
  over: (span: string) => `已超时 ${span}`,
  noDue: '无时限',
  minutes: (n: number) => `${n} 分钟`,
  hours: (n: number) => `${n} 小时`,
  days: (n: number) => `${n} 个工作日`,
  plainDays: (n: number) => `${n} 天`,
  paused: (span: string) => `已暂停，剩 ${span}`,
} as const;
