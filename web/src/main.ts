import { createApp } from 'vue';
import '@/shared/styles/tokens.css';
import '@/shared/styles/base.css';
import App from '@/app/App.vue';
import { router } from '@/app/router';

createApp(App).use(router).mount('#app');
