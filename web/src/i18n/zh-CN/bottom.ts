/** What the foot of every page says. */
export const bottom = {
  title: '撤销',
  waiting: (label: string, seconds: number) => `${label}，${seconds} 秒后提交`,
  sending: (label: string) => `正在提交：${label}`,
  undo: '撤销',
  undoKey: '撤销刚才的提交',
  dismiss: '关闭',
} as const;
