import { mount } from '@vue/test-utils';
import { afterEach, describe, expect, it } from 'vitest';
import { defineComponent, h } from 'vue';
import { keyGroups, useKeys, type KeyBinding } from '@/shared/keys/keys';

const mounted: { unmount: () => void }[] = [];

function page(title: string, bindings: KeyBinding[]) {
  const one = mount(
    defineComponent(() => {
      useKeys(title, bindings);
      return () => h('div', [h('input', { class: 'text' }), h('button', { class: 'button' })]);
    }),
    { attachTo: document.body },
  );
  mounted.push(one);
  return one;
}

function press(key: string, on: Element = document.body, more: KeyboardEventInit = {}): void {
  on.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));
}

const binding = (keys: string[], pressed: string[], more: Partial<KeyBinding> = {}): KeyBinding => ({
  keys,
  label: '测试',
  run: (key) => pressed.push(key),
  ...more,
});

afterEach(() => mounted.splice(0).forEach((one) => one.unmount()));

describe('useKeys', () => {
  it('acts on a bound key, upper case too, until the page is left', () => {
    const pressed: string[] = [];
    const one = page('待办', [binding(['j'], pressed)]);

    press('j');
    press('J');
    one.unmount();
    mounted.pop();
    press('j');

    expect(pressed).toEqual(['j', 'j']);
    expect(keyGroups).toHaveLength(0);
  });

  it('leaves typing, browser shortcuts and the Enter of a focused button alone', () => {
    const pressed: string[] = [];
    const one = page('待办', [binding(['c', 'Enter'], pressed)]);

    press('c', one.find('.text').element);
    press('c', document.body, { ctrlKey: true });
    press('Enter', one.find('.button').element);

    expect(pressed).toEqual([]);
  });

  it('lets the newest page win, and passes on what it does not want now', () => {
    const [under, over]: [string[], string[]] = [[], []];
    let isWanted = true;
    page('列表', [binding(['n'], under)]);
    page('案件', [binding(['n'], over, { when: () => isWanted })]);

    press('n');
    isWanted = false;
    press('n');

    expect([over, under]).toEqual([['n'], ['n']]);
  });
});
