import type { RouteRecordRaw } from 'vue-router';
import { registers } from '@/i18n/zh-CN/registers';

export const registerRoutes: RouteRecordRaw[] = [
  {
    path: '/persons',
    name: 'persons',
    component: () => import('@/features/registers/PersonsPage.vue'),
    meta: { title: registers.persons.title },
  },
  {
    path: '/persons/:personId',
    name: 'person',
    component: () => import('@/features/registers/PersonPage.vue'),
    meta: { title: registers.persons.one },
  },
  {
    path: '/credentials',
    name: 'credentials',
    component: () => import('@/features/registers/CredentialsPage.vue'),
    meta: { title: registers.credentials.title },
  },
  {
    path: '/credentials/:credentialId',
    name: 'credential',
    component: () => import('@/features/registers/CredentialPage.vue'),
    meta: { title: registers.credentials.one },
  },
];
