import { flushPromises, mount } from '@vue/test-utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import SignInForm from '@/app/SignInForm.vue';
import { me, signedOut } from '@/api/session';

const ME = { account_id: '1', kind: 'CONSOLE', display_name: '审核员', groups: ['a'], may: ['inbox'], sandbox: true };

function form(answer: () => Promise<Response>) {
  const asked: Request[] = [];
  vi.stubGlobal('fetch', (request: Request) => {
    asked.push(request);
    return answer();
  });
  const mounted = mount(SignInForm, { attachTo: document.body });
  async function submit(username: string, password: string): Promise<void> {
    await mounted.find('[name=username]').setValue(username);
    await mounted.find('[name=password]').setValue(password);
    await mounted.find('form').trigger('submit');
  }
  return { mounted, asked, submit };
}

afterEach(() => {
  signedOut();
  vi.unstubAllGlobals();
});

describe('SignInForm', () => {
  it('signs in and tells who it is', async () => {
    const { mounted, asked, submit } = form(() => Promise.resolve(Response.json(ME, { status: 201 })));

    await submit(' reviewer ', 'correct-horse');
    await flushPromises();

    expect(await asked[0]?.json()).toEqual({ username: 'reviewer', password: 'correct-horse' });
    expect(mounted.emitted('done')).toEqual([[ME]]);
    expect(me.value?.display_name).toBe('审核员');
  });

  it('sends nothing twice when the button is pressed twice', async () => {
    const { mounted, asked, submit } = form(() => new Promise(() => undefined));

    await submit('reviewer', 'correct-horse');
    await mounted.find('form').trigger('submit');

    expect(asked).toHaveLength(1);
    expect(mounted.find('button').text()).toBe('正在登录…');
  });

  it('says why it was refused and keeps what was typed', async () => {
    const body = { code: 'sign_in.failed', title: '用户名或密码不正确', detail: '请核对后重试。', status: 401 };
    const { mounted, submit } = form(() => Promise.resolve(Response.json(body, { status: 401 })));

    await submit('reviewer', 'wrong');
    await flushPromises();

    expect(mounted.find('[role=alert]').text()).toBe('用户名或密码不正确。请核对后重试。');
    expect((mounted.find('[name=username]').element as HTMLInputElement).value).toBe('reviewer');
    expect(mounted.emitted('done')).toBeUndefined();
  });
});
