import { describe, expect, it } from 'vitest';
import review from '../../../../bpmn/real_name/forms/review.json';
import faceConsent from '../../../../bpmn/real_name/forms/face_consent.json';
import { meaningOfKey, picked } from './keys';
import { formModel, problemsOf, requiredNow, shownFields, valuesToSend } from './model';
import { faultsOf, type Schema } from './schema';

const reviewForm = formModel(review as unknown as Schema);
const names = (form: typeof reviewForm, values: Record<string, unknown>) => shownFields(form, values).map((f) => f.name);

describe('the form of a manual review', () => {
  it('asks for nothing but the decision before one is made', () => {
    expect(requiredNow(reviewForm.schema, {})).toEqual(new Set(['review_decision']));
    expect(problemsOf(reviewForm, {})).toEqual({ review_decision: '请填写审核结论。' });
  });

  it('asks for reasons and an opinion once the decision is to reject', () => {
    const problems = problemsOf(reviewForm, { review_decision: 'reject', reject_reasons: [] });

    expect(Object.keys(problems).sort()).toEqual(['opinion', 'reject_reasons']);
  });

  it('shows reasons to somebody who rejects and photographs to somebody who wants new ones', () => {
    expect(names(reviewForm, { review_decision: 'reject' })).toContain('reject_reasons');
    expect(names(reviewForm, { review_decision: 'reject' })).not.toContain('new_photos');
    expect(names(reviewForm, { review_decision: 'new_photos' })).toContain('new_photos');
    expect(names(reviewForm, { review_decision: 'approve' })).not.toContain('reject_reasons');
  });

  it('does not send reasons that were ticked before the decision changed', () => {
    const values = { review_decision: 'approve', reject_reasons: ['altered'], opinion: '  ' };

    expect(valuesToSend(reviewForm, values)).toEqual({ review_decision: 'approve' });
  });

  it('is decided by keys', () => {
    const rejected = meaningOfKey(reviewForm, {}, 'r');
    expect(rejected).toMatchObject({ does: 'pick', option: 'reject' });

    const values = { review_decision: 'reject' };
    const second = meaningOfKey(reviewForm, values, '2');
    expect(second).toMatchObject({ does: 'pick', option: 'name_mismatch' });
    if (second?.does !== 'pick') throw new Error('no option');
    const ticked = picked(values, second.field, second.option);
    expect(ticked.reject_reasons).toEqual(['name_mismatch']);
    expect(picked(ticked, second.field, second.option).reject_reasons).toEqual([]);
    expect(meaningOfKey(reviewForm, {}, '2')).toBeNull();
  });

  it('refuses an opinion of ten thousand characters and counts rare characters once', () => {
    const long = { review_decision: 'approve', opinion: '字'.repeat(10_000) };
    const rare = { review_decision: 'approve', opinion: '𠀀'.repeat(500) };

    expect(problemsOf(reviewForm, long).opinion).toBe('审核意见最多 500 个字。');
    expect(problemsOf(reviewForm, rare)).toEqual({});
  });

  it('refuses a day that does not exist', () => {
    const values = { review_decision: 'approve', valid_until: '2026-02-30' };

    expect(problemsOf(reviewForm, values).valid_until).toContain('应为日期');
  });
});

describe('consent', () => {
  const form = formModel(faceConsent as unknown as Schema);

  it('is compulsory only for who agrees', () => {
    expect(problemsOf(form, { face_choice: 'decline' })).toEqual({});
    expect(problemsOf(form, { face_choice: 'agree' }).face_consent_version).toContain('请阅读并勾选');
    expect(problemsOf(form, { face_choice: 'agree', face_consent_version: 'compare_face/2026-01' })).toEqual({});
  });
});

describe('the schema check', () => {
  const cases: [Schema, unknown, string | null][] = [
    [{ type: 'integer' }, 1.5, 'type'],
    [{ type: ['string', 'null'] }, null, null],
    [{ type: 'number', multipleOf: 5 }, 12, 'multipleOf'],
    [{ exclusiveMinimum: 3 }, 3, 'exclusiveMinimum'],
    [{ maximum: 3 }, 4, 'maximum'],
    [{ pattern: '^[0-9]{6}$' }, '12345', 'pattern'],
    [{ pattern: '(?P<bad>' }, 'left to the server', null],
    [{ format: 'mobile' }, '12345678901', 'format'],
    [{ format: 'email' }, 'a@b.cn', null],
    [{ uniqueItems: true }, ['a', 'a'], 'uniqueItems'],
    [{ contains: { const: 'x' } }, ['a'], 'contains'],
    [{ items: { enum: ['a'] } }, ['b'], 'enum'],
    [{ not: { const: 1 } }, 1, 'not'],
    [{ oneOf: [{ type: 'number' }, { const: 1 }] }, 1, 'oneOf'],
    [{ anyOf: [{ const: 1 }, { const: 2 }] }, 3, 'anyOf'],
    [{ dependentRequired: { a: ['b'] } }, { a: 1 }, 'required'],
    [{ if: { required: ['a'] }, then: { required: ['b'] }, else: { required: ['c'] } }, {}, 'required'],
  ];

  it.each(cases)('of %j finds in %j: %s', (schema, value, keyword) => {
    expect(faultsOf(schema, value)[0]?.keyword ?? null).toBe(keyword);
  });
});
