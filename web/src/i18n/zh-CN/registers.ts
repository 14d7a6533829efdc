export const registers = {
  persons: { title: '人员', one: '人员档案' },
  credentials: { title: '实名凭证', one: '实名凭证详情' },
} as const;
