"""What people read before a value of an institution: written here once, for every table, workbook, slip and sentence.

A form's own titles are the flow's (tests/domain/institutions/test_labels.py holds them to these). What stands printed on a
form that is read back is the reader's (`tasks/vision/seals/stamped_form.py`): an old print does not follow a new word.
"""

from __future__ import annotations

NAME = "机构名称"
CODE = "机构编码"
CREDIT_CODE = "统一社会信用代码"
SUPERVISING_UNIT = "主管单位"
CONFIRMATION_CODE = "机构确认码"
