"""Service tasks of 机构补增. Importing the modules declares them; the rules are in `domain/`."""

from __future__ import annotations

import bpmn.institution_admission.checking
import bpmn.institution_admission.deciding
import bpmn.institution_admission.reviewing
import bpmn.institution_admission.submitting
import bpmn.notices  # noqa: F401
