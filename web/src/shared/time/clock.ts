import { readonly, ref } from 'vue';

const EVERY_MS = 15_000;
const instant = ref(new Date());
setInterval(() => (instant.value = new Date()), EVERY_MS);

/** The time, good to a quarter of a minute: what is written relative to it keeps itself true. */
export const clock = readonly(instant);
