import type { RouteRecordRaw } from 'vue-router';

export const inboxRoutes: RouteRecordRaw[] = [
  { path: '/inbox', name: 'inbox', component: () => import('@/features/inbox/InboxPage.vue'), meta: { title: '待办' } },
];
