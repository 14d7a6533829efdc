import type { RouteRecordRaw } from 'vue-router';
import { app } from '@/i18n/zh-CN/app';
import { inboxRoutes } from '@/features/inbox/routes';
import { caseRoutes } from '@/features/cases/routes';
import { registerRoutes } from '@/features/registers/routes';

declare module 'vue-router' {
  interface RouteMeta {
    /** Of the window. */
    title?: string;
    /** Without the shell around it. */
    isBare?: boolean;
  }
}

/** Every page under /console/. A feature's routes are lazy: their code loads when somebody goes there. */
export const routes: RouteRecordRaw[] = [
  { path: '/', name: 'home', component: () => import('@/app/NotFound.vue') }, // the router goes on to homeOf
  {
    path: '/sign-in',
    name: 'sign-in',
    component: () => import('@/app/SignInPage.vue'),
    meta: { title: app.signIn.title, isBare: true },
  },
  ...inboxRoutes,
  ...caseRoutes,
  ...registerRoutes,
  { path: '/:rest(.*)*', name: 'not-found', component: () => import('@/app/NotFound.vue'), meta: { title: app.notFound.title } },
];
