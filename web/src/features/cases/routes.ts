import type { RouteRecordRaw } from 'vue-router';

export const caseRoutes: RouteRecordRaw[] = [
  {
    path: '/work-items/:workItemId',
    name: 'work-item',
    component: () => import('@/features/cases/CasePage.vue'),
    meta: { title: '办理' },
  },
  {
    path: '/cases/:caseId',
    name: 'case',
    component: () => import('@/features/cases/CasePage.vue'),
    meta: { title: '案件' },
  },
];
