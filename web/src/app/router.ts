import { ref } from 'vue';
import { createRouter, createWebHistory, type Router } from 'vue-router';
import { connectionIsBack } from '@/api/connection';
import { problemOf, type Problem } from '@/api/problem';
import { isReachable } from '@/api/send';
import { backOf } from '@/app/back';
import { homeOf } from '@/app/menu';
import { routes } from '@/app/routes';
import { whoAmI } from '@/app/session-edge';
import { app } from '@/i18n/zh-CN/app';

const RELOAD_AGAIN_AFTER_MS = 20_000; // otherwise a file that stays missing reloads for ever

export const router: Router = createRouter({
  history: createWebHistory(import.meta.env.BASE_URL),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

/** Why the page asked for could not be opened; the page before stays. */
export const failedNavigation = ref<Problem | null>(null);

// A page that wants somebody signed in sends strangers to the sign-in page and back again afterwards.
router.beforeEach(async (to) => {
  const account = await whoAmI();
  if (to.name === 'sign-in') return account ? backOf(to.query.back) : true;
  if (!account) return { name: 'sign-in', query: { back: to.fullPath }, replace: true };
  return to.name === 'home' ? homeOf(account) : true;
});

router.afterEach((to) => {
  failedNavigation.value = null;
  document.title = to.meta.title ? `${to.meta.title} · ${app.product}` : app.product;
});

router.onError(async (error: unknown, to) => {
  if (!isChunkMissing(error)) {
    failedNavigation.value = problemOf(error);
    return;
  }
  // The page's code did not come: the connection is lost, or an update took the older build away. Once more, from scratch.
  if (!(await isReachable())) await connectionIsBack(isReachable);
  const reloadedAt = Number(sessionStorage.getItem('reloaded-at') ?? 0);
  if (Date.now() - reloadedAt < RELOAD_AGAIN_AFTER_MS) {
    failedNavigation.value = problemOf(error);
    return;
  }
  sessionStorage.setItem('reloaded-at', String(Date.now()));
  window.location.assign(router.resolve(to.fullPath).href);
});

function isChunkMissing(error: unknown): boolean {
  return error instanceof Error && /dynamically imported module|preload CSS|module script/i.test(error.message);
}
