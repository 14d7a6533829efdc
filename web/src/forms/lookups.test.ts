import { describe, expect, it } from 'vitest';
import { matching, type Unit } from './lookups';

const unit = (code: string, name: string): Unit => ({ code, name, level: 'COUNTY', parent_code: '420100' });
const UNITS = [unit('420102', '江岸区卫生健康局'), unit('420103', '江汉区卫生健康局'), unit('420106', '武昌区卫生健康局')];

describe('looking a unit up', () => {
  it('finds it by a part of its name and gives its code', () => {
    expect(matching(UNITS, '江汉')).toEqual([{ value: '420103', label: '江汉区卫生健康局' }]);
  });

  it('finds it by the beginning of its code', () => {
    expect(matching(UNITS, '4201').map((each) => each.value)).toEqual(['420102', '420103', '420106']);
    expect(matching(UNITS, '0103')).toEqual([]);
  });

  it('offers a handful, not the province', () => {
    const many = Array.from({ length: 117 }, (_, n) => unit(String(420000 + n), `${n}区卫生健康局`));

    expect(matching(many, '区')).toHaveLength(20);
  });
});
