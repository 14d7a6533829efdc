import { flushPromises, mount } from '@vue/test-utils';
import { describe, expect, it, vi } from 'vitest';
import { Refusal } from '@/api/problem';
import SchemaForm from './SchemaForm.vue';
import { KINDS } from './model/model';
import type { FormPlace } from './fields/props';
import type { Schema } from './model/schema';

function aForm(properties: Record<string, Schema>, more: { schema?: Schema; values?: object; place?: FormPlace } = {}) {
  const wrapper = mount(SchemaForm, {
    attachTo: document.body,
    props: {
      schema: { type: 'object', properties, ...more.schema },
      modelValue: { ...more.values },
      ...(more.place ? { place: more.place } : {}),
      'onUpdate:modelValue': (values: object) => void wrapper.setProps({ modelValue: { ...values } }),
    },
  });
  return wrapper;
}

const SCHEMAS: Partial<Record<(typeof KINDS)[number], Schema>> = {
  select: { type: 'string', enum: ['a', 'b'] },
  radio: { type: 'string', enum: ['a', 'b'] },
  checkbox: { type: 'boolean' },
  checkboxes: { type: 'array', items: { type: 'string', enum: ['a', 'b'] } },
  date: { type: 'string', format: 'date' },
  number: { type: 'number' },
  consent: { type: 'string', const: 'read/2026-01' },
};

describe('the form renderer', () => {
  it.each(KINDS)('draws a %s with a name a screen reader can say', (kind) => {
    const schema = { type: 'string', title: '字段', ...SCHEMAS[kind], ui: { kind, purpose: 'p', text: '告知全文' } };

    const form = aForm({ field: schema as Schema }, { place: { imageOf: () => undefined, upload: vi.fn() } });

    const control = form.find('input, select, textarea');
    expect(control.exists()).toBe(true);
    const id = control.attributes('id');
    const named = id && form.find(`label[for="${id}"]`).exists();
    const isNamed = named || control.element.closest('label, fieldset') !== null;
    expect(isNamed).toBe(true);
    expect(form.text()).toContain('字段');
  });

  it('gives a number as a number and an emptied text as nothing', async () => {
    const form = aForm({ age: { type: 'integer' }, name: { type: 'string' } }, { values: { name: '王芳' } });

    await form.get('input[type=number]').setValue('42');
    await form.get('input[type=text]').setValue('');

    expect(form.props('modelValue')).toEqual({ age: 42, name: undefined });
  });

  it('gives the version of the text that was agreed to', async () => {
    const form = aForm({ consent: { const: 'read/2026-01', ui: { kind: 'consent', purpose: 'p', text: '告知' } } });

    await form.get('input[type=checkbox]').setValue(true);

    expect(form.props('modelValue')).toEqual({ consent: 'read/2026-01' });
  });

  it('keeps the order of the form among ticked reasons', async () => {
    const reasons: Schema = { type: 'array', items: { enum: ['a', 'b', 'c'] }, ui: { kind: 'checkboxes' } };
    const form = aForm({ reasons });

    const boxes = form.findAll('input[type=checkbox]');
    await boxes[2]!.setValue(true);
    await boxes[0]!.setValue(true);

    expect(form.props('modelValue')).toEqual({ reasons: ['a', 'c'] });
  });

  it('sends nothing while something is missing, says what, and goes there', async () => {
    const form = aForm({ name: { type: 'string', title: '姓名' } }, { schema: { required: ['name'] } });

    await form.get('form').trigger('submit');
    await flushPromises();

    expect(form.emitted('submit')).toBeUndefined();
    expect(form.get('[role=alert]').text()).toBe('请填写姓名。');
    expect(document.activeElement).toBe(form.get('input').element);
    await form.get('input').setValue('王芳');
    expect(form.find('[role=alert]').exists()).toBe(false);
    await form.get('form').trigger('submit');
    expect(form.emitted('submit')).toEqual([[{ name: '王芳' }]]);
  });

  it("shows the server's refusal at its field until the field is changed", async () => {
    const form = aForm({ name: { type: 'string', title: '姓名' } });

    await form.setProps({ refused: { name: '姓名含有不可见的控制字符。' } });
    expect(form.get('[role=alert]').text()).toBe('姓名含有不可见的控制字符。');
    await form.get('input').setValue('王芳');

    expect(form.find('[role=alert]').exists()).toBe(false);
  });

  it('draws a script in a title and a value as text', () => {
    const script = '<img src=x onerror=alert(1)>';

    const form = aForm({ name: { type: 'string', title: script } }, { values: { name: script } });

    expect(form.find('img').exists()).toBe(false);
    expect(form.text()).toContain(script);
    expect((form.get('input').element as HTMLInputElement).value).toBe(script);
  });

  it('uploads a photograph and keeps its id', async () => {
    const upload = vi.fn(() => Promise.resolve({ id: 'A1', url: '/api/v1/evidence/A1' }));
    const form = aForm(
      { front: { type: 'string', ui: { kind: 'document-scan' } } },
      { place: { imageOf: () => undefined, upload } },
    );
    const input = form.get('input[type=file]');
    const file = new File(['jpeg'], 'card.jpg', { type: 'image/jpeg' });
    Object.defineProperty(input.element, 'files', { value: [file], configurable: true });

    await input.trigger('change');
    await flushPromises();

    expect(upload).toHaveBeenCalledWith('front', file);
    expect(form.props('modelValue')).toEqual({ front: 'A1' });
    expect(form.get('img').attributes('src')).toBe('/api/v1/evidence/A1');
  });

  it('says why a photograph was not taken and keeps the one before', async () => {
    const problem = { status: 422, code: 'upload.animated', title: '不支持动图', detail: '请上传单张照片。' };
    const refusal = new Refusal({ ...problem, requestId: null, fields: [] });
    const form = aForm(
      { front: { type: 'string', ui: { kind: 'document-scan' } } },
      { values: { front: 'A0' }, place: { imageOf: (id) => `/${id}`, upload: () => Promise.reject(refusal) } },
    );
    const input = form.get('input[type=file]');
    Object.defineProperty(input.element, 'files', { value: [new File([''], 'a.gif')], configurable: true });

    await input.trigger('change');
    await flushPromises();

    expect(form.get('[role=alert]').text()).toContain('请上传单张照片。');
    expect(form.props('modelValue')).toEqual({ front: 'A0' });
  });

  it('says that an erased photograph is gone', async () => {
    const form = aForm(
      { front: { type: 'string', ui: { kind: 'document-scan' } } },
      { values: { front: 'A0' }, place: { imageOf: () => '/gone' } },
    );

    await form.get('img').trigger('error');

    expect(form.text()).toContain('影像已删除');
  });

  it('adds a template to what is typed, once', async () => {
    const form = aForm(
      { opinion: { type: 'string', ui: { kind: 'textarea', templates: ['照片模糊。'] } } },
      { values: { opinion: '姓名不符。' } },
    );

    await form.get('.templates button').trigger('click');
    await form.get('.templates button').trigger('click');

    expect(form.props('modelValue')).toEqual({ opinion: '姓名不符。\n照片模糊。' });
  });
});
