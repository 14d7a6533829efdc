import { createRouter, createWebHistory, type Router } from 'vue-router';
import { backOf } from '@/app/back';
import { routes } from '@/app/routes';
import { whoAmI } from '@/app/session-edge';
import { app } from '@/i18n/zh-CN/app';

export const router: Router = createRouter({
  history: createWebHistory(import.meta.env.BASE_URL),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

// A page that wants somebody signed in sends strangers to the sign-in page and back again afterwards.
router.beforeEach(async (to) => {
  const account = await whoAmI();
  if (to.meta.isOpen) return account && to.name === 'sign-in' ? backOf(to.query.back) : true;
  return account ? true : { name: 'sign-in', query: { back: to.fullPath }, replace: true };
});

router.afterEach((to) => {
  document.title = to.meta.title ? `${to.meta.title} · ${app.product}` : app.product;
});

// The chunks of an older build are gone after an update: load the page afresh, once.
router.onError((_error, to) => {
  const key = `reloaded:${to.fullPath}`;
  if (sessionStorage.getItem(key)) return;
  sessionStorage.setItem(key, '1');
  window.location.assign(router.resolve(to.fullPath).href);
});
