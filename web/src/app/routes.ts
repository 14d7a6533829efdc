import type { RouteRecordRaw } from 'vue-router';
import { app } from '@/i18n/zh-CN/app';
import { inboxRoutes } from '@/features/inbox/routes';
import { caseRoutes } from '@/features/cases/routes';
import { registerRoutes } from '@/features/registers/routes';

declare module 'vue-router' {
  interface RouteMeta {
    /** Of the window. */
    title?: string;
    /** Reachable without signing in. */
    isOpen?: boolean;
  }
}

/** Every page under /console/. A feature's routes are lazy: their code loads when somebody goes there. */
export const routes: RouteRecordRaw[] = [
  { path: '/', redirect: '/inbox' },
  {
    path: '/sign-in',
    name: 'sign-in',
    component: () => import('@/app/SignInPage.vue'),
    meta: { title: app.signIn.title, isOpen: true },
  },
  ...inboxRoutes,
  ...caseRoutes,
  ...registerRoutes,
  { path: '/:rest(.*)*', name: 'not-found', component: () => import('@/app/NotFound.vue'), meta: { title: app.notFound.title } },
];
