"""机构补增: the form, the portal's search, its record."""
